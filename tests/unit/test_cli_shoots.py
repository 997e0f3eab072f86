"""`lora shoots`: importing folders, and seeing what is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_documents import CREATED_AT, a_finding, a_report
from tests.fake_api import FakeApi, running_api
from tests.running_cli import run


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        yield api


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, one with a caption, and things that are none."""
    folder = tmp_path / "red-cape"
    folder.mkdir()
    (folder / "01.jpg").write_bytes(b"first picture" * 1000)
    (folder / "01.txt").write_text("TOK in the rain\n", encoding="utf-8")
    (folder / "02.PNG").write_bytes(b"second picture")
    (folder / "notes.txt").write_text("of nothing", encoding="utf-8")
    (folder / ".hidden.jpg").write_bytes(b"hidden")
    (folder / "movie.mp4").write_bytes(b"no picture")
    return folder


def import_of(folder: Path, *more: str) -> list[str | Path]:
    return ["shoots", "import", folder, "--costume", "Red cape", "--person", "ada", *more]


def test_importing_a_folder_sends_its_pictures_and_their_captions_and_nothing_else(api: FakeApi, folder: Path) -> None:
    outcome = run(api, *import_of(folder))
    assert outcome.exit_code == 0
    assert {name: body for name, body in api.files["s_1"].items()} == {
        name: (folder / name).read_bytes() for name in ("01.jpg", "01.txt", "02.PNG")
    }
    assert "3 sent, 0 there already" in outcome.stdout
    assert "lora train s_1 --trigger WORD" in outcome.stderr


def test_importing_again_goes_on_with_the_same_shoot_and_sends_only_what_is_missing_or_changed(
    api: FakeApi, folder: Path
) -> None:
    run(api, *import_of(folder))
    del api.files["s_1"]["02.PNG"]
    (folder / "01.txt").write_text("TOK in the snow\n", encoding="utf-8")
    api.uploads.clear()
    outcome = run(api, *import_of(folder, "--json"))
    assert outcome.json["id"] == "s_1"
    assert (outcome.json["uploaded"], outcome.json["skipped"]) == (2, 1)
    assert sorted(api.uploads) == ["01.txt", "02.PNG"]
    assert api.files["s_1"]["01.txt"] == b"TOK in the snow\n"


def test_another_costume_from_the_same_folder_is_another_shoot(api: FakeApi, folder: Path) -> None:
    run(api, *import_of(folder))
    run(api, "shoots", "import", folder, "--costume", "Green cape", "--person", "ada")
    assert [shoot["costume_name"] for shoot in api.shoots.values()] == ["Red cape", "Green cape"]


def test_an_upload_whose_connection_breaks_is_sent_again(api: FakeApi, folder: Path) -> None:
    api.slips["PUT", "/v1/shoots/s_1/files/01.jpg"] = [None]
    outcome = run(api, *import_of(folder))
    assert outcome.exit_code == 0
    assert api.files["s_1"]["01.jpg"] == (folder / "01.jpg").read_bytes()


def test_an_upload_that_arrives_otherwise_than_it_wwithout_metadata_is_reported(api: FakeApi, folder: Path) -> None:
    wrong = {"name": "01.jpg", "size": 13000, "crc32c": "AAAAAA=="}
    api.slips["PUT", "/v1/shoots/s_1/files/01.jpg"] = [(201, wrong)]
    outcome = run(api, *import_of(folder))
    assert outcome.exit_code == 5
    assert "upload_corrupt: 01.jpg" in outcome.stderr


def test_a_folder_without_pictures_is_a_mistake_in_the_command(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    outcome = run(api, *import_of(tmp_path))
    assert outcome.exit_code == 2
    assert "no_pictures: " in outcome.stderr
    assert not api.shoots


def test_a_folder_that_does_not_exist_is_a_mistake_in_the_command(api: FakeApi, tmp_path: Path) -> None:
    assert run(api, *import_of(tmp_path / "nowhere")).exit_code == 2


def test_the_list_shows_every_shoot_with_its_counts(api: FakeApi, folder: Path) -> None:
    run(api, *import_of(folder))
    outcome = run(api, "shoots", "list")
    assert outcome.stdout.splitlines()[1].split()[:6] == ["s_1", "Red", "cape", "ada", "2", "1"]


def test_a_list_is_read_page_by_page_up_to_its_limit(api: FakeApi) -> None:
    api.page_size = 2
    for number in range(7):
        shoot_id = f"s_{number}"
        api.shoots[shoot_id] = {"id": shoot_id, "person_id": "ada", "costume_name": "x", "created_at": CREATED_AT}
        api.files[shoot_id] = {}
    page = run(api, "shoots", "list", "--limit", "5", "--json").json
    assert [shoot["id"] for shoot in page["items"]] == ["s_0", "s_1", "s_2", "s_3", "s_4"]
    assert page["next_cursor"]


def test_an_empty_list_says_what_to_do(api: FakeApi) -> None:
    outcome = run(api, "shoots", "list")
    assert (outcome.exit_code, outcome.stdout) == (0, "")
    assert "lora shoots import DIR" in outcome.stderr


def test_show_tells_the_captions_of_the_pictures(api: FakeApi, folder: Path) -> None:
    run(api, *import_of(folder))
    outcome = run(api, "shoots", "show", "s_1")
    assert "01.jpg" in outcome.stdout
    assert "TOK in the rain" in outcome.stdout
    assert run(api, "shoots", "show", "s_1", "--json").json["pictures"][0]["stem"] == "01"


def test_the_list_can_be_searched(api: FakeApi, folder: Path) -> None:
    run(api, *import_of(folder))
    run(api, "shoots", "import", folder, "--costume", "Green hat", "--person", "ada")
    items = run(api, "shoots", "list", "--search", "CAPE", "--json").json["items"]
    assert [shoot["costume_name"] for shoot in items] == ["Red cape"]
    nothing = run(api, "shoots", "list", "--search", "shoe")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "“shoe”" in nothing.stderr


MISSING = a_finding("warning", "caption_missing", "02.jpg", "The picture 02.jpg has no caption.")
BROKEN = a_finding("error", "unreadable_image", "07.jpg", "The picture 07.jpg cannot be read.")
FEW = a_finding("error", "too_few_images", None, "The shoot has 3 pictures.")


def test_a_report_tells_the_errors_first_and_ends_with_one(api: FakeApi) -> None:
    api.reports["s_1"] = a_report(MISSING, BROKEN, FEW)
    outcome = run(api, "shoots", "report", "s_1")
    assert outcome.exit_code == 1
    rows = [line.split()[:2] for line in outcome.stdout.splitlines()[-3:]]
    assert rows == [["error", "07.jpg"], ["error", "-"], ["warning", "02.jpg"]]
    assert "smallest picture  480 × 640" in outcome.stdout
    assert "A training would fail, and cost nothing: 2 errors to mend first." in outcome.stderr


def test_a_report_of_warnings_alone_is_no_failure(api: FakeApi) -> None:
    api.reports["s_1"] = a_report(MISSING)
    outcome = run(api, "shoots", "report", "s_1", "--trigger", "TOK")
    assert outcome.exit_code == 0
    assert api.reported == [("s_1", "TOK")]
    assert "It can be trained on. 1 thing may be worth a look." in outcome.stderr


def test_a_report_of_pictures_that_nobody_can_read_has_no_sizes(api: FakeApi) -> None:
    api.reports["s_1"] = a_report(BROKEN, smallest=None, median=None, largest=None)
    assert "smallest" not in run(api, "shoots", "report", "s_1").stdout


def test_a_report_as_json_is_the_apis_and_its_exit_code_the_same(api: FakeApi) -> None:
    api.reports["s_1"] = a_report(BROKEN)
    outcome = run(api, "shoots", "report", "s_1", "--json")
    assert (outcome.exit_code, outcome.json, outcome.stderr) == (1, a_report(BROKEN), "")
