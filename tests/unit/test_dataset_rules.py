"""The rules of a dataset, one by one: each has its own code and sentence, and the packager obeys them all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from PIL import Image

from shared import images
from shared.datasets import (
    caption_errors,
    decode_caption,
    has_trigger,
    listing_errors,
    raise_first,
    with_trigger,
)
from shared.errors import DuplicateImageName, InvalidCaption, InvalidImageName, UnreadableImage
from shared.images import check_image, decode
from shared.settings import DatasetSettings
from shared.shoots import Picture
from shared.stages import Status
from tests.hostile_pictures import PNG, READABLE, UNREADABLE
from tests.pictures import a_jpeg, a_listed_picture, encoded
from tests.world import World

LIMITS = DatasetSettings(
    max_images=5,
    max_image_bytes=10_000,
    max_dataset_bytes=20_000,
    max_caption_bytes=200,
    max_caption_characters=100,
    max_image_pixels=1_000_000,
)
FOUR = tuple(a_listed_picture(f"{i}.jpg", caption_size=10) for i in range(4))


def found_in(pictures: tuple[Picture, ...]) -> list[tuple[str, str]]:
    return [(e.code, e.message) for e in listing_errors(pictures, minimum=4, limits=LIMITS)]


LISTINGS = [
    ((), "no_preprocessed_images", "no preprocessed images"),
    (FOUR[:3], "too_few_images", "at least 4 pictures and would get 3"),
    (FOUR + FOUR, "too_many_images", "8 pictures and at most 5"),
    ((*FOUR, a_listed_picture("x.jpg", size=10_001)), "dataset_too_large", "The picture x.jpg has 10,001 bytes"),
    (tuple(replace(p, image=replace(p.image, size=6000)) for p in FOUR), "dataset_too_large", "The shoot has 24,000"),
    ((*FOUR, a_listed_picture("x.jpg", caption_size=201)), "invalid_caption", "x.txt cannot be used (it has 201 bytes"),
    ((*FOUR, a_listed_picture("0.png")), "duplicate_image_name", "0.png and 0.jpg would share one name"),
    ((*FOUR, a_listed_picture("a_mask.jpg")), "invalid_image_name", "names ending in _mask as masks"),
    ((*FOUR, a_listed_picture("a\x07b.jpg")), "invalid_image_name", r"'a\x07b.jpg' cannot go into the archive"),
    ((*FOUR, a_listed_picture("a\\b.jpg")), "invalid_image_name", "characters that no file name can have"),
    ((*FOUR, a_listed_picture(f"{'ü' * 126}.jpg")), "invalid_image_name", "it is too long"),
]


@pytest.mark.parametrize(("pictures", "code", "words"), LISTINGS, ids=lambda v: v if isinstance(v, str) else "")
def test_what_a_listing_shows_has_its_code_and_its_sentence(
    pictures: tuple[Picture, ...], code: str, words: str
) -> None:
    assert any(code == c and words in message for c, message in found_in(pictures))


def test_a_listing_that_keeps_every_limit_has_no_errors() -> None:
    exactly = (*FOUR, a_listed_picture(f"{'x' * 251}.jpg", size=10_000, caption_size=200))
    assert found_in(exactly) == []


def test_all_errors_are_told_and_the_first_is_raised() -> None:
    pictures = (*FOUR, a_listed_picture("a_mask.jpg"), a_listed_picture("0.png"), a_listed_picture("1.png"))
    errors = list(listing_errors(pictures, minimum=4, limits=LIMITS))
    assert [e.code for e in errors] == ["too_many_images", "invalid_image_name", *["duplicate_image_name"] * 2]
    with pytest.raises(InvalidImageName):
        raise_first(errors[1:])


def test_of_three_pictures_with_one_name_each_later_one_is_named_beside_the_first() -> None:
    pictures = tuple(a_listed_picture(f"a.{kind}") for kind in ("jpg", "png", "webp"))
    errors = [e for e in listing_errors(pictures, minimum=1, limits=LIMITS) if isinstance(e, DuplicateImageName)]
    assert [(e.facts["file"], e.facts["other"]) for e in errors] == [("a.png", "a.jpg"), ("a.webp", "a.jpg")]


TEXTS = [
    ("a\x00b", "control characters"),
    ("x" * 101, "101 characters and at most 100"),
]


@pytest.mark.parametrize(("text", "words"), TEXTS)
def test_a_caption_that_cannot_be_used_says_why(text: str, words: str) -> None:
    (error,) = caption_errors(text, "a.txt", max_characters=100)
    assert (error.code, "a.txt" in error.message, words in error.message) == ("invalid_caption", True, True)


@pytest.mark.parametrize("text", ["", "x" * 100, "two\nlines\tand a tab", "Käppchen 🐺"])
def test_a_caption_may_be_any_text_within_the_limit(text: str) -> None:
    assert list(caption_errors(text, "a.txt", max_characters=100)) == []


def test_a_caption_is_utf_8_with_or_without_its_mark() -> None:
    assert decode_caption(b"\xef\xbb\xbf Wolf \n", "a.txt") == decode_caption(b"Wolf", "a.txt") == "Wolf"
    with pytest.raises(InvalidCaption, match=r"a\.txt.*not UTF-8"):
        decode_caption("Käppchen".encode("latin-1"), "a.txt")


TRIGGERS = [
    ("TOK in a cape", True, "TOK in a cape"),
    ("[trigger] in a cape", True, "TOK in a cape"),
    ("a cape, TOK.", True, "a cape, TOK."),
    ("a STOKED fire", False, "TOK, a STOKED fire"),
    ("tok in a cape", False, "TOK, tok in a cape"),
    ("", False, "TOK"),
]


@pytest.mark.parametrize(("text", "has", "packaged"), TRIGGERS)
def test_every_caption_ends_up_with_the_trigger_word(text: str, has: bool, packaged: str) -> None:
    assert (has_trigger(text, "TOK"), with_trigger(text, "TOK")) == (has, packaged)


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_not_the_picture_that_it_claims_to_be_is_refused_by_all_in_the_same_words(what: str) -> None:
    name, data, words = UNREADABLE[what]
    with pytest.raises(UnreadableImage) as by_check:
        check_image(data, f"shoots/s_1/preprocessed/{name}", max_pixels=LIMITS.max_image_pixels)
    with pytest.raises(UnreadableImage) as by_decode:
        decode(data, f"shoots/s_1/preprocessed/{name}", max_pixels=LIMITS.max_image_pixels, side=64)
    assert by_check.value.message == by_decode.value.message
    assert by_check.value.facts["file"] == name
    assert words in by_check.value.message


def test_a_picture_with_too_many_pixels_says_how_many() -> None:
    with pytest.raises(UnreadableImage, match="1001 × 1000 are more than 1,000,000 pixels"):
        check_image(encoded(Image.new("L", (1001, 1000))), "a.jpg", max_pixels=1_000_000)


@pytest.mark.parametrize("what", READABLE)
def test_every_kind_of_picture_that_trainers_read_is_accepted(what: str) -> None:
    name, data = READABLE[what]
    check_image(data, name, max_pixels=LIMITS.max_image_pixels)
    decoded = decode(data, name, max_pixels=LIMITS.max_image_pixels, side=32)
    assert (decoded.width, decoded.height) == ((1, 1) if "one pixel" in what else (64, 64))
    assert max(decoded.image.size) <= 32


@pytest.mark.parametrize("what", ["a progressive JPEG", "a JPEG with another picture behind", "a PNG", "a WebP"])
def test_a_picture_is_decoded_when_there_is_room_for_it(what: str) -> None:
    name, data = READABLE[what]
    with ThreadPoolExecutor(1) as pool:
        with images._DECODED.taken(1 << 40):
            checked = pool.submit(check_image, data, name, max_pixels=LIMITS.max_image_pixels)
            while not images._DECODED._turn.locked():
                assert not checked.done(), "it did not wait"
        assert checked.result(10) is None


def test_a_picture_that_lies_on_its_side_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode(a_jpeg(size=(300, 200), exif=exif), "a.jpg", max_pixels=10**6, side=150)
    assert (decoded.width, decoded.height, decoded.image.size) == (200, 300, (100, 150))


BROKEN_SHOOTS = [
    ("04.jpg", PNG, "unreadable_image"),
    ("00.png", PNG, "duplicate_image_name"),
    ("x_mask.png", PNG, "invalid_image_name"),
    ("00.txt", b"\xff\xfe", "invalid_caption"),
    ("00.txt", b"a\x00b", "invalid_caption"),
]


@pytest.mark.parametrize(("name", "content", "code"), BROKEN_SHOOTS)
def test_the_packager_refuses_what_the_rules_refuse_and_nothing_is_paid(name: str, content: bytes, code: str) -> None:
    world = World()
    world.shoot()
    world.put("s_1", name, content)
    training = world.start()
    world.run()
    failed = world.of(training)
    assert failed.error is not None
    assert (failed.status, failed.error.code, failed.error.charged) == (Status.FAILED, code, False)
    assert (world.fal.runs, world.zips()) == ({}, [])
