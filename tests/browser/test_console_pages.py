"""How the console is served; no browser is needed for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.api.console_pages import PAGES
from tests.api_world import ApiWorld, api_world

SHOWN = [path.replace("{id}", "x_1") for path in PAGES]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(tmp_path) as world:
        yield world


@pytest.mark.parametrize("path", SHOWN)
def test_every_page_is_the_same_document(world: ApiWorld, path: str) -> None:
    answer = world.client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text == world.client.get("/").text


def test_a_path_that_leads_nowhere_is_the_console_for_who_looks_and_a_problem_for_programs(world: ApiWorld) -> None:
    looks = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

    page = world.client.get("/shots", headers=looks)

    assert (page.status_code, page.text) == (404, world.client.get("/").text)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for answer in (world.client.get("/shots"), world.client.get("/v1/shots", headers=looks)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_page_that_is_known_is_not_sent_again_and_keeps_its_policy(world: ApiWorld) -> None:
    first = world.client.get("/")

    again = world.client.get("/", headers={"if-none-match": first.headers["etag"]})

    assert again.status_code == 304
    assert again.content == b""
    # a browser takes over the headers of a 304
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]


@pytest.mark.parametrize(("path", "place"), [("/", "/console"), ("/docs", "/docs")])
def test_every_asset_that_a_page_names_is_there_and_may_be_kept(world: ApiWorld, path: str, place: str) -> None:
    named = re.findall(rf'(?:href|src)="({place}/[^"]+)"', world.client.get(path).text)

    answers = [world.client.get(url) for url in named]

    assert len(named) > 5
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}
    kinds = {answer.headers["content-type"].partition(";")[0] for answer in answers}
    assert kinds == {"text/javascript", "text/css", "image/svg+xml"}


def test_an_asset_of_another_version_is_answered_but_not_kept(world: ApiWorld) -> None:
    assert world.client.get("/console/older/main.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.js", "index.html", "../console_pages.py", "%2e%2e/console_pages.py"])
@pytest.mark.parametrize("place", ["/console", "/docs"])
def test_nothing_else_is_served(world: ApiWorld, place: str, name: str) -> None:
    assert world.client.get(f"{place}/x/{name}").status_code == 404


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_nothing_runs_or_loads_from_a_page_itself_or_from_elsewhere(world: ApiWorld, path: str) -> None:
    page = world.client.get(path).text

    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"""\b(?:style|on\w+)=["']""", page)
    assert not re.search(r"""(?:href|src)=["'](?!/|#)""", page)


def test_with_firebase_only_the_api_is_served_and_what_describes_it(tmp_path: Path) -> None:
    looks = {"accept": "text/html"}
    with api_world(tmp_path, AUTH_MODE="firebase", GOOGLE_CLOUD_PROJECT="costumes") as world:
        page = world.client.get("/docs")
        assets = [world.client.get(url) for url in re.findall(r'"(/docs/[^"]+)"', page.text)]
        answers = [world.client.get(path, headers=looks) for path in (*SHOWN, "/console/x/main.js", "/docs/x/main.js")]

    assert {answer.status_code for answer in (page, *assets)} == {200}
    assert 'href="/"' not in page.text

    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["code"] for answer in answers} == {"not_found"}
