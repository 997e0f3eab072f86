"""What a user is told about a shoot before paying: everything at once, errors that block, warnings that do not."""

from __future__ import annotations

from typing import Any

import pytest

from functions.api.dataset_report import Pixels, Report, report_dataset
from functions.api.findings import WARNINGS
from shared.adapters.memory import MemoryObjects
from shared.errors import InvalidRequest, StorageUnavailable
from shared.settings import DatasetSettings
from shared.shoots import preprocessed_prefix
from shared.trainers import DEFAULT_TRAINER
from tests.pictures import a_jpeg, an_image, animated, encoded

PREFIX = preprocessed_prefix("s_1")


@pytest.fixture
def bucket() -> MemoryObjects:
    """A shoot of four pictures with captions, and nothing wrong with it."""
    bucket = MemoryObjects("shoots")
    for i in range(4):
        put(bucket, f"{i}.jpg", a_jpeg(i))
        put(bucket, f"{i}.txt", f"TOK in picture {i}".encode())
    return bucket


def put(bucket: MemoryObjects, name: str, content: bytes) -> None:
    bucket.write(f"{PREFIX}{name}", [content], content_type="image/jpeg")


def report(bucket: MemoryObjects, limits: DatasetSettings | None = None, **changes: Any) -> Report:
    asked = {"trigger_word": "TOK", "captions": {}, "trainer": DEFAULT_TRAINER, **changes}
    return report_dataset("s_1", bucket=bucket, limits=limits or DatasetSettings(), **asked)


def told(report: Report) -> list[tuple[str, str, str | None]]:
    return [(finding.severity, finding.code, finding.file) for finding in report.findings]


def test_a_shoot_with_nothing_wrong_is_told_by_its_numbers(bucket: MemoryObjects) -> None:
    put(bucket, "4.jpg", a_jpeg(4, (600, 900)))
    put(bucket, "4.txt", b"TOK")
    total = sum(found.size for found in bucket.list(PREFIX) if found.name.endswith(".jpg"))
    assert report(bucket) == Report(
        shoot_id="s_1",
        image_count=5,
        captioned_count=5,
        bytes=total,
        smallest=Pixels(600, 600),
        median=Pixels(600, 600),
        largest=Pixels(600, 900),
        findings=(),
    )
    assert not report(bucket).blocking


FILES = [
    ("4.jpg", a_jpeg(4), "warning", "caption_missing", "4.jpg"),
    ("0.txt", b" \n", "warning", "caption_empty", "0.txt"),
    ("0.txt", b"a wolf", "warning", "caption_without_trigger", "0.txt"),
    ("0.jpg", a_jpeg(0, (511, 600)), "warning", "small_image", "0.jpg"),
    ("0.jpg", a_jpeg(0, (600, 1801)), "warning", "extreme_aspect_ratio", "0.jpg"),
    ("gone.txt", b"TOK", "warning", "orphan_caption", "gone.txt"),
    ("0.gif", b"GIF89a", "warning", "ignored_file", "0.gif"),
    ("IMG.HEIC", b"heic", "warning", "ignored_file", "IMG.HEIC"),
    ("old/0.jpg", a_jpeg(5), "warning", "ignored_file", "old/0.jpg"),
    ("0.jpg", b"no picture", "error", "unreadable_image", "0.jpg"),
    ("0.jpg", encoded(an_image(0), "PNG"), "error", "unreadable_image", "0.jpg"),
    ("4_mask.png", animated("PNG"), "error", "unreadable_image", "4_mask.png"),
    ("4_mask.png", encoded(an_image(4), "PNG"), "error", "invalid_image_name", "4_mask.png"),
    ("0.png", encoded(an_image(5), "PNG"), "error", "duplicate_image_name", "0.png"),
    ("0.txt", "Käppchen".encode("latin-1"), "error", "invalid_caption", "0.txt"),
    ("0.txt", b"TOK\x00", "error", "invalid_caption", "0.txt"),
    ("0.txt", b"TOK " * 501, "error", "invalid_caption", "0.txt"),
    ("0.txt", b"TOK " * 5000, "error", "invalid_caption", "0.txt"),
]


@pytest.mark.parametrize(("name", "content", "severity", "code", "file"), FILES)
def test_every_file_that_is_worth_a_word_gets_its_word(
    bucket: MemoryObjects, name: str, content: bytes, severity: str, code: str, file: str
) -> None:
    put(bucket, name, content)
    full = report(bucket)
    assert (severity, code, file) in told(full)
    assert full.blocking is (severity == "error")


def test_every_warning_has_a_test() -> None:
    assert set(WARNINGS) - {"near_duplicate"} == {code for _, _, severity, code, _ in FILES if severity == "warning"}


@pytest.mark.parametrize("name", [".DS_Store", ".0.jpg.swp", "old/.DS_Store"])
def test_what_a_computer_leaves_behind_is_not_worth_a_word(bucket: MemoryObjects, name: str) -> None:
    put(bucket, name, b"x")
    assert told(report(bucket)) == []


def test_everything_is_told_at_once_and_not_only_the_first(bucket: MemoryObjects) -> None:
    put(bucket, "0.jpg", b"no picture")
    put(bucket, "1.txt", b"a\x00b" + b"c" * 2000)
    put(bucket, "2.jpg", a_jpeg(2, (100, 400)))
    assert told(report(bucket)) == [
        ("error", "unreadable_image", "0.jpg"),
        ("error", "invalid_caption", "1.txt"),
        ("error", "invalid_caption", "1.txt"),
        ("warning", "caption_without_trigger", "1.txt"),
        ("warning", "small_image", "2.jpg"),
        ("warning", "extreme_aspect_ratio", "2.jpg"),
    ]


def test_the_same_picture_in_another_size_kind_and_quality_is_a_near_duplicate_of_the_first(
    bucket: MemoryObjects,
) -> None:
    put(bucket, "5.webp", encoded(an_image(2, (900, 900)), "WEBP", quality=40))
    put(bucket, "5.txt", b"TOK")
    (finding,) = report(bucket).findings
    assert (finding.severity, finding.code, finding.file) == ("warning", "near_duplicate", "5.webp")
    assert "5.webp and 2.jpg look the same" in finding.message


def test_many_copies_of_one_picture_are_told_once_each(bucket: MemoryObjects) -> None:
    for i in range(5, 25):
        put(bucket, f"{i:02}.jpg", a_jpeg(3))
        put(bucket, f"{i:02}.txt", b"TOK")
    twins = [finding for finding in report(bucket).findings if finding.code == "near_duplicate"]
    assert len(twins) == 20


def test_an_empty_shoot_has_no_sizes_and_says_what_to_do() -> None:
    empty = report(MemoryObjects("shoots"))
    assert (empty.image_count, empty.bytes, empty.smallest, empty.median, empty.largest) == (0, 0, None, None, None)
    assert told(empty) == [("error", "no_preprocessed_images", None)]


def test_too_few_pictures_are_looked_at_all_the_same(bucket: MemoryObjects) -> None:
    bucket.delete(f"{PREFIX}3.jpg")
    put(bucket, "0.jpg", b"no picture")
    assert told(report(bucket)) == [
        ("error", "too_few_images", None),
        ("error", "unreadable_image", "0.jpg"),
        ("warning", "orphan_caption", "3.txt"),
    ]


@pytest.mark.parametrize("limits", [DatasetSettings(max_images=3), DatasetSettings(max_dataset_bytes=100)])
def test_of_a_dataset_that_is_too_large_nothing_is_read(bucket: MemoryObjects, limits: DatasetSettings) -> None:
    bucket.faults.fail("read", StorageUnavailable(reason="nobody should read"))
    assert [severity for severity, _, _ in told(report(bucket, limits))] == ["error"]


def test_a_picture_or_caption_that_is_too_large_is_told_and_not_read(bucket: MemoryObjects) -> None:
    put(bucket, "4.jpg", a_jpeg(4) + b"\0" * 100_000)
    assert told(report(bucket, DatasetSettings(max_image_bytes=100_000))) == [("error", "dataset_too_large", "4.jpg")]


def test_given_captions_are_judged_in_the_place_of_the_stored_ones(bucket: MemoryObjects) -> None:
    put(bucket, "0.txt", b"\xff\xfe")
    put(bucket, "4.jpg", a_jpeg(4))
    given = report(bucket, captions={"0": "TOK", "4": "a wolf"})
    assert told(given) == [("warning", "caption_without_trigger", "4.txt")]
    assert given.captioned_count == 5


def test_without_a_trigger_word_nothing_is_said_about_it(bucket: MemoryObjects) -> None:
    put(bucket, "0.txt", b"a wolf")
    assert told(report(bucket, trigger_word=None)) == []


def test_the_placeholder_counts_as_the_trigger_word(bucket: MemoryObjects) -> None:
    put(bucket, "0.txt", b"[trigger] as a wolf")
    assert told(report(bucket)) == []


def test_storage_that_does_not_answer_gives_no_report(bucket: MemoryObjects) -> None:
    bucket.faults.fail("read", StorageUnavailable(reason="503"))
    with pytest.raises(StorageUnavailable):
        report(bucket)


def test_an_unknown_trainer_gives_no_report(bucket: MemoryObjects) -> None:
    with pytest.raises(InvalidRequest, match="no trainer fal-ai/other"):
        report(bucket, trainer="fal-ai/other")
