"""What a directory as a bucket promises beyond the port: safety of paths, checksums without reading, bounded memory."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import google_crc32c
import pytest

from shared.adapters.embedded.objects import DirectoryObjects
from shared.adapters.embedded.signing import UrlSigner, load_or_create_secret
from shared.errors import InvalidRequest, StorageUnavailable

SIGNER = UrlSigner("http://127.0.0.1:1", b"secret")
BUCKET = "bucket"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def objects(root: Path) -> DirectoryObjects:
    return DirectoryObjects(root, BUCKET, SIGNER)


def put(objects: DirectoryObjects, name: str, content: bytes = b"content") -> None:
    objects.write(name, [content], content_type="text/plain")


def crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


def checksums(objects: DirectoryObjects) -> dict[str, str]:
    return {found.name: found.crc32c for found in objects.list("")}


def files_under(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


@pytest.mark.parametrize("bucket", ["", "..", ".tmp", ".meta", "a/b", "A", "a\n", "ab"])
def test_a_bucket_with_a_name_that_leads_elsewhere_is_refused(root: Path, bucket: str) -> None:
    with pytest.raises(InvalidRequest):
        DirectoryObjects(root, bucket, SIGNER)


def test_symbolic_links_are_no_objects_and_are_not_followed(
    objects: DirectoryObjects, root: Path, tmp_path: Path
) -> None:
    put(objects, "kept")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (root / BUCKET / "folder").symlink_to(tmp_path / "outside")
    (root / BUCKET / "file").symlink_to(tmp_path / "outside" / "secret")
    assert [found.name for found in objects.list("")] == ["kept"]
    assert objects.stat("file") is None
    with pytest.raises(StorageUnavailable):
        list(objects.read("file"))
    with pytest.raises(StorageUnavailable):
        objects.copy("file", "copied")
    for attempt in (
        objects.stat,
        objects.delete,
        lambda name: put(objects, name),
        lambda name: list(objects.read(name)),
    ):
        with pytest.raises(InvalidRequest):
            attempt("folder/secret")
    objects.delete("file")
    put(objects, "file", b"replaces the link, not its target")
    assert (tmp_path / "outside" / "secret").read_text() == "secret"


def test_deleting_the_last_object_removes_its_folders_and_leaves_nothing_behind(
    objects: DirectoryObjects, root: Path
) -> None:
    put(objects, "a/b/c")
    put(objects, "a/d")
    objects.delete("a/b/c")
    assert files_under(root / BUCKET) == ["a", "a/d"]
    objects.delete("a/d")
    assert files_under(root / BUCKET) == []
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_drafts_are_gone_after_success_failure_and_repeated_copies(objects: DirectoryObjects, root: Path) -> None:
    def source() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("no")

    put(objects, "a")
    with pytest.raises(ValueError, match="no"):
        objects.write("b", source(), content_type="text/plain")
    for _ in range(3):
        objects.copy("a", "c")
    assert list((root / ".tmp").iterdir()) == []


def test_drafts_of_a_killed_process_go_with_the_next_process_and_those_of_a_living_one_stay(root: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    drafts = root / ".tmp"
    drafts.mkdir(parents=True)
    for name in (f"{ended.pid}-dead", f"{os.getpid()}-alive"):
        (drafts / name).write_bytes(b"half")
    DirectoryObjects(root, "another", SIGNER).write("a", [b"x"], content_type="text/plain")
    assert [path.name for path in drafts.iterdir()] == [f"{os.getpid()}-alive"]


def test_drafts_of_a_killed_process_are_swept_when_they_are_old(root: Path) -> None:
    (root / ".tmp").mkdir(parents=True)
    for name, age_s in (("old", 2 * 24 * 60 * 60), ("new", 60)):
        draft = root / ".tmp" / name
        draft.write_bytes(b"x")
        at = draft.stat().st_mtime - age_s
        os.utime(draft, (at, at))
    put(DirectoryObjects(root, BUCKET, SIGNER), "a")
    assert [path.name for path in (root / ".tmp").iterdir()] == ["new"]


def test_listing_reads_no_object_that_was_written_here(objects: DirectoryObjects, root: Path) -> None:
    """Bytes that were changed behind our back, with size and time put back, would be seen if they were read."""
    put(objects, "a", b"content")
    objects.copy("a", "b")
    path = root / BUCKET / "a"
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"CONTENT")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert checksums(objects) == {"a": crc32c(b"content"), "b": crc32c(b"content")}


def test_files_that_people_put_there_change_or_take_away_are_seen(objects: DirectoryObjects, root: Path) -> None:
    put(objects, "ours", b"ours")
    (root / BUCKET / "theirs").write_bytes(b"theirs")
    assert checksums(objects) == {"ours": crc32c(b"ours"), "theirs": crc32c(b"theirs")}
    (root / BUCKET / "theirs").write_bytes(b"changed")
    (root / BUCKET / "ours").unlink()
    assert checksums(objects) == {"theirs": crc32c(b"changed")}
    assert objects.stat("ours") is None


def test_names_that_no_object_may_have_are_not_listed(objects: DirectoryObjects, root: Path) -> None:
    put(objects, "good")
    (root / BUCKET / "line\nend").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(root / BUCKET) + b"/latin-\xe4")).write_bytes(b"x")
    assert [found.name for found in objects.list("")] == ["good"]


def test_without_its_sidecars_a_bucket_tells_the_same(objects: DirectoryObjects, root: Path) -> None:
    put(objects, "a/b.png", b"content")
    shutil.rmtree(root / ".meta")
    assert checksums(objects) == {"a/b.png": crc32c(b"content")}
    located = objects.locate("a/b.png")
    assert located is not None
    assert located[1] == "image/png"


def test_a_sidecar_of_an_object_that_never_appeared_is_not_believed(objects: DirectoryObjects, root: Path) -> None:
    """As a crash between the sidecar and its data leaves it, here made by putting the old data back."""
    put(objects, "a", b"before")
    os.link(root / BUCKET / "a", root / "old")
    put(objects, "a", b"after!")
    os.replace(root / "old", root / BUCKET / "a")
    assert checksums(objects) == {"a": crc32c(b"before")}


def test_a_sidecar_that_was_cut_off_is_not_believed(objects: DirectoryObjects, root: Path) -> None:
    put(objects, "a")
    (sidecar,) = (path for path in (root / ".meta").rglob("*.json"))
    for content in (b"", b'{"crc32c"', b"[]", b"{}"):
        sidecar.write_bytes(content)
        assert checksums(objects) == {"a": crc32c(b"content")}


def test_what_the_file_system_refuses_is_storage_unavailable_and_names_no_path(
    objects: DirectoryObjects, root: Path
) -> None:
    put(objects, "a")
    with pytest.raises(StorageUnavailable) as raised:
        put(objects, "a/b")
    assert str(root) not in raised.value.message
    with pytest.raises(StorageUnavailable):
        DirectoryObjects(root / BUCKET / "a", BUCKET, SIGNER).write("b", [b"x"], content_type="text/plain")


def test_a_reader_keeps_the_object_that_it_began_with(objects: DirectoryObjects) -> None:
    put(objects, "a", b"before")
    chunks = objects.read("a", chunk_bytes=3)
    first = next(chunks)
    put(objects, "a", b"after!")
    assert first + b"".join(chunks) == b"before"


def test_memory_is_bounded_by_a_chunk_and_not_by_the_object(objects: DirectoryObjects) -> None:
    mebibyte = 1 << 20
    tracemalloc.start()
    objects.write("large", (bytes(mebibyte) for _ in range(64)), content_type="application/octet-stream")
    size = sum(len(chunk) for chunk in objects.read("large"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 64 * mebibyte
    assert peak < 4 * mebibyte


def test_the_secret_is_made_once_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"
    secret = load_or_create_secret(path)
    assert len(secret) == 32
    assert load_or_create_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["secret"]


def test_a_secret_that_cannot_be_read_is_storage_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        load_or_create_secret(tmp_path)
