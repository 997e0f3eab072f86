"""Thumbnails: small, upright, without metadata, made once per version of a picture, never the picture itself."""

from __future__ import annotations

import io
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image

from functions.api.thumbnails import LONGEST_SIDE, Thumbnail, show_thumbnails
from shared.adapters.memory import MemoryObjects
from shared.errors import StorageUnavailable
from shared.settings import DatasetSettings
from shared.shoots import pictures, preprocessed_prefix
from shared.thumbnail_names import thumbnail_prefix
from tests.pictures import a_jpeg, an_image, encoded

PREFIX = preprocessed_prefix("s_1")


class Room:
    """A shoot's bucket, the thumbnails' bucket, and the view that joins them."""

    def __init__(self) -> None:
        self.source = MemoryObjects("shoots")
        self.thumbnails = MemoryObjects("thumbnails")

    def put(self, name: str, content: bytes) -> None:
        self.source.write(f"{PREFIX}{name}", [content], content_type="image/jpeg")

    def show(self, *names: str, limits: DatasetSettings | None = None) -> Mapping[str, Thumbnail]:
        found = [
            p for p in pictures(self.source.list(PREFIX), PREFIX) if not names or p.image.name[len(PREFIX) :] in names
        ]
        return show_thumbnails(
            thumbnail_prefix("s_1"),
            found,
            source=self.source,
            thumbnails=self.thumbnails,
            ttl_s=60,
            limits=limits or DatasetSettings(),
        )

    def names(self) -> list[str]:
        return [found.name for found in self.thumbnails.list("")]

    def image(self, thumbnail: Thumbnail) -> Image.Image:
        name = unquote(urlsplit(thumbnail.url).path).partition("/thumbnails/")[2]
        return Image.open(io.BytesIO(b"".join(self.thumbnails.read(name))))


@pytest.fixture
def room() -> Room:
    return Room()


def test_a_picture_is_shown_small_by_a_signed_url(room: Room) -> None:
    room.put("01.jpg", a_jpeg(size=(800, 600)))
    shown = room.show()["01.jpg"]
    assert (shown.width, shown.height) == (800, 600)
    image = room.image(shown)
    assert (image.format, image.size) == ("WEBP", (LONGEST_SIDE, 240))
    assert "signature=" in shown.url
    (name,) = room.names()
    assert name.startswith("thumbnails/s_1/01.jpg-")
    assert name.endswith("-800x600.webp")
    assert room.thumbnails.content_types[name] == "image/webp"


def test_a_small_picture_is_not_blown_up(room: Room) -> None:
    room.put("01.png", encoded(an_image(size=(40, 30)), "PNG"))
    assert room.image(room.show()["01.png"]).size == (40, 30)


def test_a_thumbnail_is_upright_and_says_nothing_about_camera_and_place(room: Room) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera"
    exif.get_ifd(0x8825)[1] = "N"
    room.put("01.jpg", a_jpeg(size=(800, 600), exif=exif, icc_profile=b"a profile", comment=b"at home"))
    shown = room.show()["01.jpg"]
    assert (shown.width, shown.height) == (600, 800)
    image = room.image(shown)
    assert image.size == (240, 320)
    assert dict(image.getexif()) == {}
    assert not {"exif", "xmp", "icc_profile", "comment"} & set(image.info)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_picture_has_a_thumbnail(room: Room, mode: str) -> None:
    room.put("01.png", encoded(Image.new(mode, (500, 400)), "PNG"))
    assert room.image(room.show()["01.png"]).size == (320, 256)


def test_transparency_stays(room: Room) -> None:
    room.put("01.png", encoded(Image.new("RGBA", (500, 400), (255, 0, 0, 0)), "PNG"))
    assert room.image(room.show()["01.png"]).mode == "RGBA"


def test_a_thumbnail_is_made_once(room: Room) -> None:
    room.put("01.jpg", a_jpeg())
    first = room.show()
    room.source.faults.fail("read", StorageUnavailable(reason="nobody should read it again"))
    room.thumbnails.faults.fail("write", StorageUnavailable(reason="nor make it again"))
    assert room.show() == first


def test_a_changed_picture_gets_a_new_one(room: Room) -> None:
    room.put("01.jpg", a_jpeg(1))
    before = room.show()["01.jpg"]
    room.put("01.jpg", a_jpeg(2, (400, 500)))
    after = room.show()["01.jpg"]
    assert (after.width, after.height) == (400, 500)
    assert after.url.partition("?")[0] != before.url.partition("?")[0]


def test_a_picture_that_cannot_be_read_has_none_and_is_not_tried_at_every_view(room: Room) -> None:
    room.put("01.jpg", b"no picture")
    room.put("02.jpg", a_jpeg())
    assert list(room.show()) == ["02.jpg"]
    room.source.faults.fail("read", StorageUnavailable(reason="nobody should read it again"))
    assert list(room.show()) == ["02.jpg"]


def test_a_picture_that_was_only_named_wrongly_is_shown_under_its_right_name(room: Room) -> None:
    room.put("01.png", a_jpeg())
    assert room.show() == {}
    room.source.copy(f"{PREFIX}01.png", f"{PREFIX}01.jpg")
    room.source.delete(f"{PREFIX}01.png")
    assert list(room.show()) == ["01.jpg"]


def test_pictures_with_one_stem_have_thumbnails_of_their_own(room: Room) -> None:
    room.put("01.jpg", a_jpeg(1, (400, 300)))
    room.put("01.png", encoded(an_image(2, (300, 400)), "PNG"))
    assert {name: (t.width, t.height) for name, t in room.show().items()} == {
        "01.jpg": (400, 300),
        "01.png": (300, 400),
    }


def test_what_is_too_large_is_not_even_read(room: Room) -> None:
    room.put("01.jpg", a_jpeg())
    room.source.faults.fail("read", StorageUnavailable(reason="nobody should read"))
    assert room.show(limits=DatasetSettings(max_image_bytes=100)) == {}
    assert room.names() == []


@pytest.mark.parametrize("name", ["a b.jpg", "häß#?%&.jpg", f"{'ü' * 125}.jpg", "a-1x2.webp.jpg", "01-3x4.jpg"])
def test_any_name_that_a_picture_may_have_works(room: Room, name: str) -> None:
    room.put(name, a_jpeg(size=(400, 300)))
    first = room.show()[name]
    assert (first.width, first.height) == (400, 300)
    assert room.show()[name] == first
    assert len(room.names()) == 1


def test_a_cover_alone_leaves_the_others_unmade(room: Room) -> None:
    for i in range(3):
        room.put(f"{i}.jpg", a_jpeg(i))
    assert list(room.show("1.jpg")) == ["1.jpg"]
    assert len(room.names()) == 1
    assert list(room.show()) == ["0.jpg", "1.jpg", "2.jpg"]
    assert len(room.names()) == 3


def test_many_pictures_are_shown_with_little_memory_and_in_order(room: Room) -> None:
    for i in range(30):
        room.put(f"{i:02}.jpg", a_jpeg(i, (64, 48)))
    assert list(room.show(limits=DatasetSettings(read_ahead_bytes=1))) == [f"{i:02}.jpg" for i in range(30)]


@pytest.mark.parametrize(("bucket", "method"), [("source", "read"), ("thumbnails", "list"), ("thumbnails", "write")])
def test_a_bucket_that_does_not_answer_costs_the_thumbnails_and_not_the_shoot(
    room: Room, bucket: str, method: str
) -> None:
    room.put("01.jpg", a_jpeg())
    getattr(room, bucket).faults.fail(method, StorageUnavailable(reason="503"))
    assert room.show() == {}
    assert list(room.show()) == ["01.jpg"]


def test_a_thumbnail_that_was_lost_is_made_again_just_as_it_was(room: Room) -> None:
    room.put("01.jpg", a_jpeg())
    first = room.show()
    (name,) = room.names()
    before = b"".join(room.thumbnails.read(name))
    room.thumbnails.delete(name)
    assert room.show() == first
    assert b"".join(room.thumbnails.read(name)) == before
