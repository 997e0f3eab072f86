"""Pictures that fal.ai delivers are looked at before one of them is kept: all of a set are whole, or none is there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.mirror.keep_images import keep_images
from functions.mirror.kept_output import kept_output
from shared.adapters.memory import FixedClock, MemoryObjects
from shared.errors import ArtifactCorrupt, ArtifactUnavailable, ProductError
from shared.image_jobs import KeptPicture
from shared.ports import Artifact, RunOutput
from shared.settings import MirrorSettings
from tests.builders import AT, an_image_job
from tests.hostile_pictures import READABLE, UNREADABLE, a_bomb, a_phone_jpeg, on_its_side
from tests.pictures import a_jpeg, an_image, encoded

GOOD = a_jpeg(size=(64, 48))


@dataclass
class Media:
    """Serves these contents by URL, or raises."""

    contents: Mapping[str, bytes | ProductError]
    asked: list[int] = field(default_factory=list)

    @contextmanager
    def open(self, artifact: Artifact, *, max_bytes: int) -> Iterator[Iterator[bytes]]:
        """The content in pieces."""
        self.asked.append(max_bytes)
        content = self.contents[artifact.url]
        if isinstance(content, ProductError):
            raise content
        yield (content[i : i + 1000] for i in range(0, len(content), 1000))


@pytest.fixture
def bucket() -> MemoryObjects:
    return MemoryObjects("models", clock=FixedClock(AT))


def kept(
    bucket: MemoryObjects,
    *contents: bytes | ProductError,
    count: int | None = None,
    sizes: Sequence[int | None] = (None, None, None),
    **raw: Any,
) -> tuple[KeptPicture, ...]:
    """What the mirror keeps of a set of `count`, for which fal.ai delivers these contents."""
    urls = [f"https://v3.fal.media/{n}" for n in range(len(contents))]
    artifacts = {
        f"images.{n}": Artifact(url=url, size=size) for n, (url, size) in enumerate(zip(urls, sizes, strict=False))
    }
    return keep_images(
        an_image_job(count=len(contents) if count is None else count),
        RunOutput(artifacts=artifacts, raw=raw),
        source=Media(dict(zip(urls, contents, strict=True))),
        bucket=bucket,
        settings=MirrorSettings(),
    )


@pytest.mark.parametrize("what", [what for what in UNREADABLE if " named " not in what])
def test_what_is_no_whole_picture_is_refused_in_words_and_none_of_its_set_is_kept(
    bucket: MemoryObjects, what: str
) -> None:
    _, content, _ = UNREADABLE[what]
    with pytest.raises(ArtifactCorrupt, match="picture 2"):
        kept(bucket, GOOD, content, GOOD)
    assert list(bucket.list("")) == []


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_kinds_of_pictures_that_nobody_asked_for_are_refused_by_name(bucket: MemoryObjects, kind: str) -> None:
    with pytest.raises(ArtifactCorrupt, match=f"is a {kind}"):
        kept(bucket, encoded(an_image(1, (64, 64)), kind))


@pytest.mark.parametrize("what", [what for what in READABLE if what.endswith(("JPEG", "PNG", "WebP"))])
def test_a_picture_is_kept_as_what_its_bytes_are(bucket: MemoryObjects, what: str) -> None:
    """Whatever fal.ai calls it: its content type is loose (fal.md §5)."""
    _, content = READABLE[what]
    (picture,) = kept(bucket, content)
    assert bucket.stat(picture.name)


@pytest.mark.parametrize(("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_its_name_and_pixels_follow_from_its_bytes(bucket: MemoryObjects, kind: str, extension: str) -> None:
    (picture,) = kept(bucket, encoded(an_image(1, (64, 48)), kind))
    assert picture.name == f"{an_image_job().prefix}1.{extension}"
    assert (picture.width, picture.height, picture.size) == (64, 48, len(b"".join(bucket.read(picture.name))))


def test_where_fal_delivers_none_that_is_said(bucket: MemoryObjects) -> None:
    with pytest.raises(ArtifactCorrupt, match="no picture came and 2 were asked for"):
        kept(bucket, count=2)


@pytest.mark.parametrize(("came", "asked"), [(1, 2), (3, 4)])
def test_where_fal_delivers_fewer_those_that_came_are_kept(bucket: MemoryObjects, came: int, asked: int) -> None:
    pictures = kept(bucket, *[GOOD] * came, count=asked)
    assert [picture.name for picture in pictures] == [found.name for found in bucket.list("")]
    assert len(pictures) == came


def test_where_fal_delivers_fewer_and_one_of_them_is_broken_none_is_kept(bucket: MemoryObjects) -> None:
    with pytest.raises(ArtifactCorrupt, match="picture 2"):
        kept(bucket, GOOD, GOOD[:200], count=4)
    assert list(bucket.list("")) == []


def test_where_fal_delivers_more_as_many_as_were_asked_for_are_kept(bucket: MemoryObjects) -> None:
    assert len(kept(bucket, GOOD, GOOD, b"<html>", count=2)) == 2


def test_what_fal_names_twice_is_one_picture_and_pictures_that_are_alike_are_two(bucket: MemoryObjects) -> None:
    """What its safety checker blackened is alike, and each of it was delivered."""
    twice = {f"images.{n}": Artifact(url="https://v3.fal.media/0") for n in range(2)}
    pictures = keep_images(
        an_image_job(count=2),
        RunOutput(artifacts=twice, raw={"has_nsfw_concepts": [True, False]}),
        source=Media({"https://v3.fal.media/0": GOOD}),
        bucket=bucket,
        settings=MirrorSettings(),
    )
    assert [picture.nsfw for picture in pictures] == [True]
    assert len(kept(bucket, GOOD, GOOD)) == 2


def test_a_size_that_was_announced_has_to_come(bucket: MemoryObjects) -> None:
    with pytest.raises(ArtifactCorrupt, match="were announced"):
        kept(bucket, GOOD, sizes=[len(GOOD) + 1])
    assert kept(bucket, GOOD, sizes=[len(GOOD)])


def test_one_that_cannot_be_fetched_leaves_none_behind(bucket: MemoryObjects) -> None:
    with pytest.raises(ArtifactUnavailable):
        kept(bucket, GOOD, ArtifactUnavailable(reason="evil.example is no media host"))
    assert list(bucket.list("")) == []


def test_a_bomb_is_refused_by_its_pixels_before_it_is_unpacked(bucket: MemoryObjects) -> None:
    with pytest.raises(ArtifactCorrupt, match="pixels"):
        kept(bucket, a_bomb((6000, 6000)))


@pytest.mark.parametrize(
    "content",
    [
        encoded(an_image(1, (64, 48)), exif=on_its_side(), comment=b"a secret workflow"),
        a_phone_jpeg(),
        GOOD + b"behind the end: A camera, a secret workflow",
    ],
    ids=["exif and comment", "a second picture", "bytes behind its end"],
)
def test_what_programs_wrote_into_a_picture_is_not_kept(bucket: MemoryObjects, content: bytes) -> None:
    (picture,) = kept(bucket, content)
    stored = b"".join(bucket.read(picture.name))
    assert b"A camera" not in stored and b"secret" not in stored
    assert stored.endswith(b"\xff\xd9") and stored.count(b"\xff\xd8\xff") == 1


def test_the_prompt_that_a_program_wrote_into_a_png_is_not_kept(bucket: MemoryObjects) -> None:
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("parameters", "a secret workflow")
    told.add_text("prompt", "a secret workflow", zip=True)
    (picture,) = kept(bucket, encoded(an_image(1, (64, 64)), "PNG", pnginfo=told))
    stored = b"".join(bucket.read(picture.name))
    assert b"tEXt" not in stored and b"zTXt" not in stored


@pytest.mark.parametrize("flags", [[True], [1, "x"], "yes", None, {}, [[True], [False]]])
def test_what_the_safety_checker_says_in_an_odd_way_is_not_guessed(bucket: MemoryObjects, flags: Any) -> None:
    pictures = kept(bucket, GOOD, GOOD, has_nsfw_concepts=flags)
    assert [picture.nsfw for picture in pictures] == ([True, None] if flags == [True] else [None, None])


def test_of_the_output_is_kept_what_was_delivered_and_no_link() -> None:
    token = "HDpZj0eLjWwCpjA5__0l1"
    file = {"url": f"https://v3.fal.media/files/b/{token}.jpg", "width": 64, "height": 48, "content_type": "image/jpeg"}
    raw = {
        "images": [file, file],
        "timings": {"inference": 1.5},
        "seed": 7,
        "has_nsfw_concepts": [False, True],
        "prompt": "TOK, in the rain",
        "nested": [[1]],
    }
    found = kept_output(raw)
    assert token not in json.dumps(found)
    assert [image["host"] for image in found["images"]] == ["v3.fal.media"] * 2
    assert (found["images"][0]["width"], found["images"][0]["height"]) == (64, 48)
    assert (found["has_nsfw_concepts"], found["seed"], found["prompt"]) == ([False, True], 7, "TOK, in the rain")
    assert found["timings"] == {"inference": 1.5}
    assert found["nested"] == ["(not kept)"]
