"""What every `Objects` promises."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

import google_crc32c
import pytest

from shared.errors import InvalidRequest, StorageUnavailable
from shared.ports import Objects
from tests.contracts.backend import Backend

STRANGE_NAMES = [
    "with space.png",
    "100% + more.png",
    "a+b%20c%2Fd.png",
    "Ünïcode/日本/🧺.png",
    "quote'\"and#hash?question&amp;.png",
    "deep/er/and/deeper/still.txt",
    ".hidden",
    "ends-with-dot.",
    "x" * 200 + ".zip",
]
BAD_NAMES = ["", "/absolute", "a/../b", "..", "a//b", "a/", "./a", "a/.", "line\nend", "nul\0", "tab\t", "é" * 200]


def crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


def put(objects: Objects, name: str, content: bytes = b"content") -> None:
    objects.write(name, [content], content_type="application/octet-stream")


def content_of(objects: Objects, name: str) -> bytes:
    return b"".join(objects.read(name))


def test_what_is_written_is_read_in_order_and_in_pieces(objects: Objects) -> None:
    info = objects.write("a/b.bin", [b"one ", b"", b"two ", b"three"], content_type="text/plain")
    assert content_of(objects, "a/b.bin") == b"one two three"
    assert [len(chunk) for chunk in objects.read("a/b.bin", chunk_bytes=5)] == [5, 5, 3]
    assert (info.name, info.size, info.crc32c) == ("a/b.bin", 13, crc32c(b"one two three"))
    assert info.updated_at.tzinfo is not None


def test_writing_stat_and_listing_tell_the_same(objects: Objects) -> None:
    info = objects.write("a/b.bin", [b"content"], content_type="text/plain")
    assert objects.stat("a/b.bin") == info
    assert list(objects.list("a/")) == [info]


def test_an_empty_object_is_an_object(objects: Objects) -> None:
    nothing: Iterable[bytes] = []
    info = objects.write("empty", nothing, content_type="text/plain")
    assert (info.size, info.crc32c) == (0, "AAAAAA==")
    assert content_of(objects, "empty") == b""
    assert objects.stat("empty") == info


def test_overwriting_replaces_content_size_and_checksum(objects: Objects) -> None:
    put(objects, "a", b"a longer first content")
    put(objects, "a", b"second")
    info = objects.stat("a")
    assert info is not None
    assert (info.size, info.crc32c) == (6, crc32c(b"second"))
    assert content_of(objects, "a") == b"second"
    assert [found.size for found in objects.list("")] == [6]


@pytest.mark.parametrize("error", [ValueError("no"), ConnectionResetError("gone"), StorageUnavailable(reason="source")])
def test_a_source_that_raises_publishes_nothing_and_its_error_passes_through(
    objects: Objects, error: Exception
) -> None:
    def source() -> Iterator[bytes]:
        yield b"x" * 1000
        raise error

    with pytest.raises(type(error)) as raised:
        objects.write("new", source(), content_type="text/plain")
    assert raised.value is error
    assert objects.stat("new") is None
    assert list(objects.list("")) == []


def test_a_source_that_raises_leaves_the_object_that_was_there(objects: Objects) -> None:
    def source() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("no")

    put(objects, "kept", b"whole")
    with pytest.raises(ValueError, match="no"):
        objects.write("kept", source(), content_type="text/plain")
    assert content_of(objects, "kept") == b"whole"


def test_nothing_is_visible_before_the_end(objects: Objects) -> None:
    def source() -> Iterator[bytes]:
        yield b"x" * 100_000
        assert objects.stat("late") is None
        assert list(objects.list("")) == []
        yield b"end"

    objects.write("late", source(), content_type="text/plain")
    assert [found.name for found in objects.list("")] == ["late"]


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_strange_names_are_kept(objects: Objects, name: str) -> None:
    put(objects, name, name.encode())
    assert content_of(objects, name) == name.encode()
    assert [found.name for found in objects.list("")] == [name]
    objects.delete(name)
    assert objects.stat(name) is None


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_mean_something_else_elsewhere_are_refused(objects: Objects, name: str) -> None:
    with pytest.raises(InvalidRequest):
        put(objects, name)
    with pytest.raises(InvalidRequest):
        objects.stat(name)
    with pytest.raises(InvalidRequest):
        list(objects.read(name))
    with pytest.raises(InvalidRequest):
        objects.delete(name)
    with pytest.raises(InvalidRequest):
        objects.sign(name, ttl_s=60)
    put(objects, "good")
    with pytest.raises(InvalidRequest):
        objects.copy("good", name)


def test_a_listing_is_sorted_by_name_across_folders(objects: Objects) -> None:
    names = ["p/a-b", "p/a.txt", "p/a/b", "p/a/c/d", "p/a0", "p/B", "p/ä", "p/z"]
    for name in reversed(names):
        put(objects, name)
    assert [found.name for found in objects.list("p/")] == sorted(names)


def test_a_prefix_may_end_in_the_middle_of_a_name(objects: Objects) -> None:
    for name in ("a/bc/1", "a/bc/2", "a/bcd", "a/b", "ab", "b/a/bc"):
        put(objects, name)
    assert [found.name for found in objects.list("a/bc")] == ["a/bc/1", "a/bc/2", "a/bcd"]
    assert [found.name for found in objects.list("a/bc/")] == ["a/bc/1", "a/bc/2"]
    assert [found.name for found in objects.list("a")] == ["a/b", "a/bc/1", "a/bc/2", "a/bcd", "ab"]
    assert list(objects.list("nothing/")) == []


def test_buckets_do_not_see_each_other(backend: Backend, objects: Objects) -> None:
    other = backend.objects(f"contract-{uuid.uuid4().hex[:12]}")
    put(objects, "a", b"mine")
    assert other.stat("a") is None
    other.delete("a")
    assert content_of(objects, "a") == b"mine"


def test_the_uri_names_the_bucket(backend: Backend) -> None:
    assert backend.objects("contract-uri").uri == "gs://contract-uri"


def test_a_copy_is_whole_and_independent(objects: Objects) -> None:
    put(objects, "from/a", b"first")
    info = objects.copy("from/a", "to/b")
    assert (info.name, info.size, info.crc32c) == ("to/b", 5, crc32c(b"first"))
    put(objects, "from/a", b"changed")
    assert content_of(objects, "to/b") == b"first"
    objects.copy("from/a", "to/b")
    assert content_of(objects, "to/b") == b"changed"
    put(objects, "to/b", b"other")
    assert content_of(objects, "from/a") == b"changed"
    objects.delete("from/a")
    assert content_of(objects, "to/b") == b"other"


def test_copying_twice_and_onto_itself_changes_nothing(objects: Objects) -> None:
    put(objects, "a", b"content")
    for target in ("b", "b", "a"):
        objects.copy("a", target)
    assert [(found.name, found.crc32c) for found in objects.list("")] == [
        ("a", crc32c(b"content")),
        ("b", crc32c(b"content")),
    ]


def test_what_is_not_there_cannot_be_read_or_copied_but_deleted(objects: Objects) -> None:
    with pytest.raises(StorageUnavailable):
        list(objects.read("missing/a"))
    with pytest.raises(StorageUnavailable):
        objects.copy("missing/a", "b")
    objects.delete("missing/a")
    assert objects.stat("missing/a") is None
    assert list(objects.list("")) == []


def test_deleting_one_leaves_its_neighbours(objects: Objects) -> None:
    for name in ("a/b/1", "a/b/2", "a/c"):
        put(objects, name)
    objects.delete("a/b/1")
    assert [found.name for found in objects.list("")] == ["a/b/2", "a/c"]
    put(objects, "a/b/1")
    assert [found.name for found in objects.list("a/b/")] == ["a/b/1", "a/b/2"]


def test_a_large_object_arrives_whole(objects: Objects) -> None:
    blocks = [bytes([number]) * (1 << 20) for number in range(20)]
    info = objects.write("large", iter(blocks), content_type="application/octet-stream")
    assert (info.size, info.crc32c) == (20 << 20, crc32c(b"".join(blocks)))
    read = list(objects.read("large", chunk_bytes=1 << 20))
    assert max(map(len, read)) <= 1 << 20
    assert b"".join(read) == b"".join(blocks)


@pytest.mark.parametrize("name", ["trainings/t_1/nonce.zip", "with space & +/100% ü.zip"])
def test_the_path_of_a_signed_url_ends_as_the_name_does(objects: Objects, name: str) -> None:
    put(objects, name)
    path = urlsplit(objects.sign(name, ttl_s=60, download_name="other.bin")).path
    assert unquote(path).endswith(f"/{name}")
    assert path.endswith(".zip")
