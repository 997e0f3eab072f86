"""Signed URLs of the embedded backend, fetched over real HTTP."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import uvicorn

from infra.local.objects_app import create_objects_app
from shared.adapters.embedded.objects import DirectoryObjects
from shared.adapters.embedded.signing import UrlSigner
from shared.adapters.memory import FixedClock

CONTENT = bytes(range(256)) * 4096
NAME = "trainings/t 1/ü+%.zip"


@dataclass(frozen=True)
class World:
    objects: DirectoryObjects
    clock: FixedClock
    http: httpx.Client
    root: Path
    base_url: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root, clock = tmp_path_factory.mktemp("objects"), FixedClock()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        signer = UrlSigner(base_url, b"secret")
        app = create_objects_app(root, signer, clock=clock)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        objects = DirectoryObjects(root, "bucket", signer, clock=clock)
        objects.write(NAME, [CONTENT], content_type="application/zip")
        with httpx.Client(trust_env=False) as http:
            yield World(objects, clock, http, root, base_url)
        server.should_exit = True
        thread.join()


@pytest.fixture
def url(world: World) -> str:
    return world.objects.sign(NAME, ttl_s=60)


def refused(answer: httpx.Response) -> bool:
    return (
        answer.status_code == 403
        and answer.headers["content-type"] == "application/problem+json"
        and answer.json()["code"] == "not_allowed"
    )


def test_a_signed_url_gives_the_object(world: World, url: str) -> None:
    answer = world.http.get(url)
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-type"] == "application/zip"
    assert "content-disposition" not in answer.headers


def test_head_tells_the_size_and_sends_nothing(world: World, url: str) -> None:
    answer = world.http.head(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-0", 0, 0), ("100-299", 100, 299), ("1048000-", 1048000, 1048575), ("-5", 1048571, 1048575)],
)
def test_a_range_gives_that_part(world: World, url: str, asked: str, first: int, last: int) -> None:
    answer = world.http.get(url, headers={"range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.content == CONTENT[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(CONTENT)}"


def test_a_range_beyond_the_end_is_not_satisfiable(world: World, url: str) -> None:
    assert world.http.get(url, headers={"range": "bytes=9999999-"}).status_code == 416


def test_a_download_name_makes_browsers_save_it(world: World) -> None:
    named = world.objects.sign(NAME, ttl_s=60, download_name="wolf v1.safetensors")
    disposition = world.http.get(named).headers["content-disposition"]
    assert disposition == f"attachment; filename*=utf-8''{quote('wolf v1.safetensors')}"


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"signature=.", "signature=x"),
        (r"signature=[^&]*", "signature="),
        (r"signature=[^&]*", "signature=%C3%BC"),
        (r"&signature=[^&]*", ""),
        (r"expires=\d", "expires=9"),
        (r"expires=[^&]*&", ""),
        (r"/bucket/", "/bucket2/"),
        (r"\.zip\?", ".zip2?"),
        (r"trainings/", "trainings/../"),
        (r"\?.*", ""),
        (r"$", "&download=other"),
    ],
)
def test_a_tampered_url_is_refused(world: World, url: str, pattern: str, replacement: str) -> None:
    tampered = re.sub(pattern, replacement, url, count=1)
    assert tampered != url
    assert refused(world.http.get(tampered))


def test_a_url_is_for_one_object_whatever_the_escapes(world: World) -> None:
    for name in ("a/b", "a%2Fb", "a b", "a+b"):
        world.objects.write(name, [name.encode()], content_type="text/plain")
        assert world.http.get(world.objects.sign(name, ttl_s=60)).text == name


def test_a_url_expires(world: World, url: str) -> None:
    assert world.http.get(url).status_code == 200
    world.clock.advance(61)
    answer = world.http.get(url)
    assert refused(answer)
    assert "expired" in answer.json()["detail"]


def test_no_url_lives_longer_than_twelve_hours(world: World) -> None:
    url = world.objects.sign(NAME, ttl_s=1e9)
    world.clock.advance(12 * 60 * 60 - 1)
    assert world.http.head(url).status_code == 200
    world.clock.advance(2)
    assert world.http.head(url).status_code == 403


def test_an_object_that_is_gone_is_not_found(world: World) -> None:
    world.objects.write("gone", [b"x"], content_type="text/plain")
    url = world.objects.sign("gone", ttl_s=60)
    world.objects.delete("gone")
    answer = world.http.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_url_of_another_secret_is_refused(world: World) -> None:
    other = DirectoryObjects(world.root, "bucket", UrlSigner(world.base_url, b"other"), clock=world.clock)
    assert refused(world.http.get(other.sign(NAME, ttl_s=60)))


def test_a_symbolic_link_is_not_served(world: World, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (world.root / "bucket" / "link").symlink_to(tmp_path / "secret")
    assert world.http.get(world.objects.sign("link", ttl_s=60)).status_code == 404


def test_other_methods_are_not_allowed(world: World, url: str) -> None:
    assert world.http.put(url, content=b"x").status_code == 405
    assert world.http.delete(url).status_code == 405
