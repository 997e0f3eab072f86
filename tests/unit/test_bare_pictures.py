"""What is sent to fal.ai of a picture: its pixels, colours and orientation, and nothing about who, where and when."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from shared.errors import UnreadableImage
from shared.images import check_image, decode, without_metadata
from shared.stages import Status
from tests.hostile_pictures import JPEG, PNG, READABLE, SMALL, UNREADABLE, WEBP, chunk, on_its_side
from tests.pictures import a_jpeg, animated, encoded
from tests.world import World

SECRET = b"at home, 52.52 N 13.40 E"
ICC = b"a colour profile" * 100
MAX_PIXELS = 1_000_000


def bare(name: str, data: bytes) -> bytes:
    """What the packager makes of a picture."""
    return without_metadata(data, name, max_pixels=MAX_PIXELS)


def seen(data: bytes) -> tuple[Any, ...]:
    """What a reader sees: mode, pixels as they are meant to be turned, and the colour profile."""
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        return (
            image.mode,
            upright.size,
            upright.tobytes(),
            image.info.get("icc_profile"),
            image.info.get("transparency"),
        )


def exif(turned: int) -> Image.Exif:
    """As a phone writes it, with a place and a preview."""
    made = Image.Exif()
    made[0x0112], made[0x010E], made[0x013B] = turned, SECRET.decode(), "Anna"
    made.get_ifd(0x8825)[1] = "N"
    made.get_ifd(0x8769)[0x9286] = SECRET
    return made


def xmp(turned: int) -> bytes:
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/">%d %s</x:xmpmeta>' % (turned, SECRET)


def segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2) + data


def told_of_everything(kind: str, turned: int) -> bytes:
    """A picture with everything that programs write beside the pixels."""
    data = encoded(SMALL, kind, exif=exif(turned), xmp=xmp(turned), icc_profile=ICC, comment=SECRET)
    if kind == "JPEG":
        iptc = segment(0xED, b"Photoshop 3.0\0" + SECRET)
        return data[:2] + iptc + segment(0xE0, b"JFXX\0" + SECRET) + data[2:] + JPEG + SECRET
    if kind == "PNG":
        texts = chunk(b"tEXt", b"Comment\0" + SECRET) + chunk(b"prVt", SECRET) + chunk(b"tIME", SECRET[:7])
        return data[:33] + texts + data[33:] + SECRET
    more = data[8:] + b"JUNK" + len(SECRET).to_bytes(4, "little") + SECRET
    return b"RIFF" + len(more).to_bytes(4, "little") + more + SECRET


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_everything_goes_but_pixels_colours_and_how_it_is_to_be_turned(kind: str, turned: int) -> None:
    name, data = f"a.{kind.lower()}", told_of_everything(kind, turned)
    made = bare(name, data)
    assert SECRET in data
    assert SECRET not in made
    assert b"Anna" not in made
    assert seen(made) == seen(data)
    with Image.open(io.BytesIO(made)) as image:
        assert dict(image.getexif()) == ({} if turned == 1 else {0x0112: turned})
        assert not {"comment", "Comment", "xmp", "photoshop", "mp"} & set(image.info)


@pytest.mark.parametrize("what", READABLE)
def test_no_readable_picture_looks_different_when_it_is_bare(what: str) -> None:
    name, data = READABLE[what]
    assert seen(bare(name, data)) == seen(data)
    assert b"A camera" not in bare(name, data)


@pytest.mark.parametrize(("name", "data"), [("a.jpg", JPEG), ("a.png", PNG), ("a.webp", WEBP), ("a.jpg", a_jpeg())])
def test_a_picture_that_tells_nothing_stays_byte_for_byte_what_it_was(name: str, data: bytes) -> None:
    assert bare(name, data) == data


@pytest.mark.parametrize(("name", "data"), [("a.jpg", JPEG), ("a.png", PNG), ("a.webp", WEBP)])
def test_what_lies_behind_a_picture_does_not_come_along(name: str, data: bytes) -> None:
    for behind in (data, b"PK\x03\x04 a ZIP", SECRET):
        assert bare(name, data + behind) == data


def test_a_webp_says_what_it_still_has() -> None:
    """Readers look into its first chunk for it."""
    assert [bare("a.webp", told_of_everything("WEBP", turned))[20] & 0x0C for turned in (1, 6)] == [0, 8]


def test_what_is_bare_stays_as_it_is() -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        once = bare(f"a.{kind.lower()}", told_of_everything(kind, 6))
        assert bare(f"a.{kind.lower()}", once) == once


@pytest.mark.parametrize("turned", [0, 9, 255, 65535])
def test_an_orientation_that_there_is_not_is_none(turned: int) -> None:
    data = encoded(SMALL, exif=exif(turned))
    assert seen(bare("a.jpg", data)) == seen(data)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_not_made_to_stand_still(kind: str) -> None:
    with pytest.raises(UnreadableImage, match="animated"):
        bare(f"a.{kind.lower()}", animated(kind))


def test_the_archive_has_the_bare_picture_and_the_shoot_keeps_its_own() -> None:
    world = World()
    world.shoot()
    original = encoded(SMALL, exif=on_its_side())
    world.put("s_1", "00.jpg", original)
    training = world.start()
    world.run()
    packaged = world.of(training)
    assert packaged.status is Status.SUBMITTED
    assert packaged.dataset is not None
    archive = b"".join(world.datasets.read(packaged.dataset.archive))
    assert b"A camera" in original
    assert b"A camera" not in archive
    assert bare("00.jpg", original) in archive
    assert b"".join(world.pictures.read("shoots/s_1/preprocessed/00.jpg")) == original


# --- broken in every way

CORPUS = [
    *((name, content) for name, content in READABLE.values() if len(content) < 5000),
    *((name, content) for name, content, _ in UNREADABLE.values() if len(content) < 5000),
    *((f"a.{kind.lower()}", told_of_everything(kind, 6)) for kind in ("JPEG", "PNG", "WEBP")),
]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A picture with a few bytes changed, put in, or left out; mostly in its beginning, where its structure is."""
    name, content = draw(st.sampled_from(CORPUS))
    data = bytearray(content or b"x")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1) | st.integers(0, min(len(data), 200) - 1))
        length = draw(st.integers(0, 8))
        data[at : at + length] = draw(st.binary(max_size=8) | st.just(bytes(data[:length])) | st.just(b"\xff" * length))
        data = data or bytearray(b"x")
    return name, bytes(data)


@given(damaged())
@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_whatever_is_wrong_with_a_picture_it_is_either_fit_to_be_sent_or_unreadable(picture: tuple[str, bytes]) -> None:
    name, data = picture
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow has some about broken files
        try:
            check_image(bare(name, data), name, max_pixels=MAX_PIXELS)
        except UnreadableImage as error:
            assert error.facts["file"] == name
            assert "0x" not in error.message
        with suppress(UnreadableImage):
            assert max(decode(data, name, max_pixels=MAX_PIXELS, side=32).image.size) <= 32
