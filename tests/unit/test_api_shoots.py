"""What the API shows of shoots: pages, searches, covers, pictures, latest models, and the report before paying."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.api_world import ApiWorld, api_world
from tests.builders import AT, a_model, a_shoot
from tests.pictures import a_jpeg


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(tmp_path) as world:
        yield world


def get(api: ApiWorld, path: str, **params: Any) -> Any:
    answer = api.client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def a_full_shoot(api: ApiWorld, shoot_id: str = "s_1", **changes: Any) -> None:
    """Three pictures, of which the first has a caption."""
    api.shoots.create(a_shoot(id=shoot_id, **{"owner_id": api.user, **changes}))
    for i in range(3):
        api.put(shoot_id, f"{i}.jpg", a_jpeg(i, (600, 800)))
    api.put(shoot_id, "0.txt", b"[trigger] as a wolf")


def named(api: ApiWorld, *names: str) -> None:
    """A shoot for each name, the last one the newest."""
    for number, name in enumerate(names):
        at = AT + timedelta(minutes=number)
        api.shoots.create(a_shoot(id=f"s_{number}", owner_id=api.user, costume_name=name, created_at=at))


def pages(api: ApiWorld, **params: Any) -> list[list[str]]:
    """The costume names page by page, until there is no next one."""
    found: list[list[str]] = []
    cursor: str | None = None
    while cursor is not None or not found:
        page = get(api, "/v1/shoots", **params, **({"cursor": cursor} if cursor else {}))
        found.append([shoot["costume_name"] for shoot in page["items"]])
        cursor = page["next_cursor"]
    return found


def test_a_shoot_is_listed_with_its_counts_its_cover_and_its_latest_model(api: ApiWorld) -> None:
    a_full_shoot(api)
    for version in (1, 2):
        at = AT + timedelta(days=version)
        api.models.create(a_model(id=f"m_{version}", owner_id=api.user, version=version, trained_at=at))
    (shoot,) = get(api, "/v1/shoots")["items"]
    assert (shoot["image_count"], shoot["captioned_count"]) == (3, 1)
    assert shoot["latest_model"] == {"id": "m_2", "name": "red-riding-hood", "version": 2}
    cover = Image.open(io.BytesIO(api.fetch(shoot["cover_url"])))
    assert (cover.format, cover.size) == ("WEBP", (240, 320))


def test_somebody_elses_model_of_the_same_shoot_is_not_shown(api: ApiWorld) -> None:
    a_full_shoot(api)
    api.models.create(a_model(owner_id="somebody"))
    assert get(api, "/v1/shoots")["items"][0]["latest_model"] is None
    assert get(api, "/v1/shoots/s_1")["latest_model"] is None


def test_a_shoot_without_pictures_has_no_cover(api: ApiWorld) -> None:
    api.shoots.create(a_shoot(owner_id=api.user))
    (shoot,) = get(api, "/v1/shoots")["items"]
    assert (shoot["image_count"], shoot["cover_url"], shoot["latest_model"]) == (0, None, None)


def test_a_page_of_shoots_makes_thumbnails_of_their_covers_only(api: ApiWorld) -> None:
    for shoot_id in ("s_1", "s_2"):
        a_full_shoot(api, shoot_id)
    assert len({shoot["cover_url"] for shoot in get(api, "/v1/shoots")["items"]}) == 2
    thumbnails = api.data_dir / "objects" / "costumes-lora-thumbnails" / "thumbnails"
    assert sorted(path.parent.name for path in thumbnails.rglob("*.webp")) == ["s_1", "s_2"]


def test_a_shoot_is_shown_with_every_picture_small_and_its_real_size(api: ApiWorld) -> None:
    a_full_shoot(api)
    api.put("s_1", "3.jpg", b"no picture")
    shoot = get(api, "/v1/shoots/s_1")
    first, *_, broken = shoot["pictures"]
    assert (first["name"], first["caption"], first["width"], first["height"]) == (
        "0.jpg",
        "[trigger] as a wolf",
        600,
        800,
    )
    assert (broken["name"], broken["thumbnail_url"], broken["width"], broken["height"]) == ("3.jpg", None, None, None)
    assert shoot["cover_url"].partition("?")[0] == first["thumbnail_url"].partition("?")[0]
    for picture in shoot["pictures"][:3]:
        small = api.fetch(picture["thumbnail_url"])
        assert len(small) < picture["size"]
        assert max(Image.open(io.BytesIO(small)).size) == 320


def test_of_a_shoot_with_more_pictures_than_can_be_trained_on_the_rest_is_only_counted(tmp_path: Path) -> None:
    with api_world(tmp_path, MAX_IMAGES="2") as api:
        a_full_shoot(api)
        api.put("s_1", "2.txt", b"never read")
        shoot = get(api, "/v1/shoots/s_1")
        assert (shoot["image_count"], len(shoot["pictures"])) == (3, 3)
        assert [picture["thumbnail_url"] is not None for picture in shoot["pictures"]] == [True, True, False]
        assert [picture["caption"] for picture in shoot["pictures"]] == ["[trigger] as a wolf", None, None]


def test_a_new_shoot_answers_with_nothing_in_it(api: ApiWorld) -> None:
    answer = api.client.post("/v1/shoots", json={"costume_name": "Wolf", "person_id": "p1"})
    assert answer.status_code == 201
    assert (answer.json()["image_count"], answer.json()["cover_url"], answer.json()["latest_model"]) == (0, None, None)


@pytest.mark.parametrize("search", ["riding", "RIDING", "Red r", "hood"])
def test_a_search_finds_any_part_of_the_costume_in_capitals_or_not(api: ApiWorld, search: str) -> None:
    named(api, "Red Riding Hood", "Wolf", "red riding hood 2")
    assert pages(api, search=search) == [["red riding hood 2", "Red Riding Hood"]]


def test_a_search_finds_letters_of_every_language(api: ApiWorld) -> None:
    named(api, "ROTKÄPPCHEN", "Straße", "Wolf")
    assert pages(api, search="käppchen") == [["ROTKÄPPCHEN"]]
    assert pages(api, search="STRASSE") == [["Straße"]]


def test_a_search_pages_through_everything_once_and_in_order(api: ApiWorld) -> None:
    named(api, *(f"{'Wolf' if number % 3 == 0 else 'Hood'} {number:02}" for number in range(30)))
    found = pages(api, search="wolf", limit=4)
    assert [name for page in found for name in page] == [f"Wolf {number:02}" for number in range(27, -1, -3)]
    assert all(len(page) <= 4 for page in found)


def test_a_search_for_the_one_in_many_leads_there_even_over_empty_pages(api: ApiWorld) -> None:
    named(api, "Wolf", *(["Hood"] * 45))
    found = pages(api, search="wolf", limit=2)
    assert found[0] == []
    assert found[-1] == ["Wolf"]


def test_a_search_for_what_nobody_wears_ends(api: ApiWorld) -> None:
    named(api, *(["Hood"] * 5))
    assert pages(api, search="wolf") == [[]]


def test_an_empty_search_is_refused(api: ApiWorld) -> None:
    answer = api.client.get("/v1/shoots", params={"search": ""})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_report_tells_what_blocks_and_what_is_worth_a_look(api: ApiWorld) -> None:
    a_full_shoot(api)
    report = get(api, "/v1/shoots/s_1/report", trigger_word="TOK")
    findings = report.pop("findings")
    assert report == {
        "shoot_id": "s_1",
        "blocking": True,
        "image_count": 3,
        "captioned_count": 1,
        "bytes": sum(picture["size"] for picture in get(api, "/v1/shoots/s_1")["pictures"]),
        "smallest": {"width": 600, "height": 800},
        "median": {"width": 600, "height": 800},
        "largest": {"width": 600, "height": 800},
    }
    assert [(f["severity"], f["code"], f["file"]) for f in findings] == [
        ("error", "too_few_images", None),
        ("warning", "caption_missing", "1.jpg"),
        ("warning", "caption_missing", "2.jpg"),
    ]
    assert "at least 4" in findings[0]["message"]


@pytest.mark.parametrize("params", [{"trigger_word": "not, one"}, {"trainer": "fal-ai/other"}])
def test_a_report_about_what_cannot_be_trained_is_refused(api: ApiWorld, params: dict[str, str]) -> None:
    a_full_shoot(api)
    answer = api.client.get("/v1/shoots/s_1/report", params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("path", ["/v1/shoots/s_1", "/v1/shoots/s_1/report", "/v1/shoots/s_none/report"])
def test_somebody_elses_shoot_is_not_found(api: ApiWorld, path: str) -> None:
    a_full_shoot(api, owner_id="somebody")
    answer = api.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "shoot_not_found")


def test_a_report_and_a_search_are_in_the_api_description_with_an_example(api: ApiWorld) -> None:
    description = get(api, "/openapi.json")
    assert description["components"]["schemas"]["ReportView"]["examples"]
    assert "search" in {parameter["name"] for parameter in description["paths"]["/v1/shoots"]["get"]["parameters"]}


def import_shoot(api: ApiWorld, key: str, **changes: Any) -> Any:
    new = {"costume_name": "Cape", "person_id": "anna", **changes}
    return api.client.post("/v1/shoots", json=new, headers={"Idempotency-Key": key})


def test_a_key_gives_one_shoot_and_takes_no_other_name_or_person(api: ApiWorld) -> None:
    first, again = import_shoot(api, "one"), import_shoot(api, "one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    for changed in ({"costume_name": "Robe"}, {"person_id": "bert"}):
        refused = import_shoot(api, "one", **changed)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert get(api, "/v1/shoots/" + first.json()["id"])["costume_name"] == "Cape"
    assert import_shoot(api, "two", costume_name="Robe").json()["id"] != first.json()["id"]


def test_of_two_shoots_that_come_at_once_under_one_key_one_is_made(api: ApiWorld) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: import_shoot(api, "one", costume_name=f"Cape {number}"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    (made,) = [answer.json() for answer in answers if answer.status_code == 201]
    assert [shoot["costume_name"] for shoot in get(api, "/v1/shoots")["items"]] == [made["costume_name"]]
