"""Shoots that are bad by accident or on purpose: refused with a word before anything is paid, or taken as they are.

What the packager refuses the report has told before, and neither reads what is too much to read.
"""

from __future__ import annotations

import io
import itertools
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from functions.api.dataset_report import report_dataset
from functions.api.given_captions import MAX_CAPTIONS, MAX_CAPTIONS_BYTES, checked_captions
from functions.packager.package_dataset import make_archive
from shared.adapters.memory import MemoryObjects
from shared.errors import DatasetError, InvalidCaption, ProductError, StorageUnavailable
from shared.ports import ObjectInfo
from shared.settings import DatasetSettings
from shared.shoots import preprocessed_prefix
from shared.trainers import TRAINERS
from tests.builders import a_training
from tests.hostile_pictures import JPEG, PNG, READABLE, UNREADABLE
from tests.pictures import an_image, encoded

PREFIX = preprocessed_prefix("s_1")
FOUR = {f"{n}.jpg": encoded(an_image(n, (8, 8))) for n in range(4)}
NFC, NFD = (unicodedata.normalize(form, "Käppchen") for form in ("NFC", "NFD"))


@dataclass
class CountingObjects(MemoryObjects):
    """A bucket that counts how many objects are read; `pieces` stand for the content of an object that is listed so."""

    reads: int = 0
    pieces: dict[str, Callable[[], Iterator[bytes]]] = field(default_factory=dict)
    listed: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        MemoryObjects.__init__(self, "shoots")

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for info in super().list(prefix):
            yield replace(info, size=self.listed.get(info.name, info.size))

    def read(self, name: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        self.reads += 1
        if name in self.pieces:
            yield from self.pieces[name]()
        else:
            yield from super().read(name, chunk_bytes=chunk_bytes)


def a_shoot_of(files: Mapping[str, bytes]) -> CountingObjects:
    bucket = CountingObjects()
    for name, content in files.items():
        bucket.write(f"{PREFIX}{name}", [content], content_type="image/jpeg")
    return bucket


@dataclass(frozen=True)
class Outcome:
    """What came of a shoot: the archive's entries, or the error; `told` are the errors of the report."""

    entries: Mapping[str, bytes] | None
    error: ProductError | None
    told: list[str]

    @property
    def code(self) -> str | None:
        return self.error.code if self.error else None


def outcome(shoot: CountingObjects | Mapping[str, bytes], trainer: str = "", **limits: Any) -> Outcome:
    """Package the shoot, and report it; nothing lies about where it was refused."""
    bucket = shoot if isinstance(shoot, CountingObjects) else a_shoot_of(shoot)
    settings, datasets = DatasetSettings(**limits), MemoryObjects("datasets")
    training = a_training() if not trainer else a_training(trainer=trainer)
    report = report_dataset(
        "s_1", trigger_word="TOK", captions={}, trainer=training.trainer, bucket=bucket, limits=settings
    )
    told = [finding.message for finding in report.findings if finding.severity == "error"]
    try:
        made = make_archive(
            training,
            shoots=bucket,
            thumbnails=MemoryObjects("thumbnails"),
            datasets=datasets,
            nonce="n",
            limits=settings,
        )
    except ProductError as error:
        assert list(datasets.list("")) == []
        return Outcome(entries=None, error=error, told=told)
    return Outcome(entries=entries_of(datasets, made.archive), error=None, told=told)


def entries_of(datasets: MemoryObjects, archive: str) -> Mapping[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(b"".join(datasets.read(archive)))) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def assert_refused(found: Outcome, code: str, words: str = "") -> None:
    assert isinstance(found.error, DatasetError)
    assert (found.code, words in found.error.message) == (code, True), found.error.message
    assert found.error.message in found.told, "the report had not told"


def assert_taken(found: Outcome) -> None:
    assert (found.code, found.told) == (None, [])


# --- every limit, one below, at and above


def pictures_of(count: int) -> dict[str, bytes]:
    return {f"{n:05}.jpg": JPEG for n in range(count)}


def of_bytes(size: int) -> dict[str, bytes]:
    return {**FOUR, "x.jpg": JPEG + bytes(size - len(JPEG))}


TOTAL = sum(map(len, FOUR.values()))
LIMITS: dict[str, tuple[int, str, Callable[[int], Outcome]]] = {
    "pictures, at most": (6, "too_many_images", lambda n: outcome(pictures_of(n), max_images=6)),
    "bytes of a picture": (5000, "dataset_too_large", lambda n: outcome(of_bytes(n), max_image_bytes=5000)),
    "bytes of all pictures": (
        TOTAL + 5000,
        "dataset_too_large",
        lambda n: outcome(of_bytes(n - TOTAL), max_dataset_bytes=TOTAL + 5000),
    ),
    "bytes of a caption": (
        300,
        "invalid_caption",
        lambda n: outcome({**FOUR, "0.txt": b"x" * n}, max_caption_bytes=300),
    ),
    "characters of a caption": (
        300,
        "invalid_caption",
        lambda n: outcome({**FOUR, "0.txt": ("ü" * n).encode()}, max_caption_characters=300),
    ),
    "pixels of a picture": (
        4096,
        "unreadable_image",
        lambda n: outcome({**FOUR, "x.png": encoded(an_image(9, (1, n)), "PNG")}, max_image_pixels=4096),
    ),
    "bytes of a name": (
        255,
        "invalid_image_name",
        lambda n: outcome(a_listing_of({**FOUR, "x" * (n - 4) + ".jpg": JPEG})),
    ),
    "dataset's default pictures": (2000, "too_many_images", lambda n: outcome(pictures_of(n) if n > 2000 else FOUR)),
}


def a_listing_of(files: Mapping[str, bytes]) -> CountingObjects:
    """A shoot with names that no bucket of ours takes, but another might."""
    bucket = a_shoot_of({})
    for name, content in files.items():
        bucket._put(f"{PREFIX}{name}", content, "image/jpeg")
    return bucket


@pytest.mark.parametrize("what", LIMITS)
@pytest.mark.parametrize("step", [-1, 0, 1])
def test_every_upper_limit_is_kept_exactly(what: str, step: int) -> None:
    limit, code, found = LIMITS[what]
    if step > 0:
        assert_refused(found(limit + step), code)
    else:
        assert_taken(found(limit + step))


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("step", [-1, 0, 1])
def test_every_trainer_gets_as_many_pictures_as_it_needs(trainer: str, step: int) -> None:
    found = outcome(pictures_of(TRAINERS[trainer].minimum_images + step), trainer)
    if step < 0:
        assert_refused(found, "too_few_images", f"at least {TRAINERS[trainer].minimum_images}")
    else:
        assert found.code is None


def test_no_picture_at_all_has_its_own_word() -> None:
    assert_refused(outcome({}), "no_preprocessed_images")
    assert_refused(
        outcome({"0.txt": b"TOK", "x.gif": b"GIF89a", ".a.jpg": JPEG, "old/a.jpg": JPEG}), "no_preprocessed_images"
    )


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_captions_that_are_given_have_their_limits_too(step: int) -> None:
    size = MAX_CAPTIONS_BYTES // 512 - len("0000")
    given = [
        {f"{n:04}": "" for n in range(MAX_CAPTIONS + step)},
        {f"{n:04}": "x" * (size + (step if n == 0 else 0)) for n in range(512)},
        {"0000": "x" * (2000 + step)},
    ]
    for captions in given:
        if step > 0:
            with pytest.raises(ProductError) as refused:
                checked_captions(captions, max_characters=2000)
            assert refused.value.status == 422
        else:
            assert checked_captions(captions, max_characters=2000) == captions


# --- names

REFUSED_NAMES: dict[str, tuple[str, str]] = {
    "\x07bell.jpg": ("invalid_image_name", "characters that no file name can have"),
    "line\nbreak.jpg": ("invalid_image_name", "characters that no file name can have"),
    "del\x7f.jpg": ("invalid_image_name", "characters that no file name can have"),
    "c1\x9b.jpg": ("invalid_image_name", "characters that no file name can have"),
    "zero\x00.jpg": ("invalid_image_name", "characters that no file name can have"),
    "back\\slash.jpg": ("invalid_image_name", "characters that no file name can have"),
    "..\\..\\evil.jpg": ("no_preprocessed_images", ""),
    f"{'x' * 252}.jpg": ("invalid_image_name", "too long"),
    f"{'狼' * 84}.jpg": ("invalid_image_name", "too long"),
    "a_mask.jpg": ("invalid_image_name", "as masks"),
    "_mask.jpg": ("invalid_image_name", "as masks"),
    "A_MASK.PNG": ("invalid_image_name", "as masks"),
}

TAKEN_NAMES = [
    "Käppchen.jpg",
    f"{NFD}.jpg",
    "狼.jpg",
    "ذئب.jpg",
    "волк.jpg",
    "🐺.jpg",
    "family 👨‍👩‍👧.jpg",
    "CON.jpg",
    "nul.jpg",
    "aux.JPG",
    "LPT1.jpeg",
    "a b.jpg",
    "trailing space .jpg",
    "trailing dot..jpg",
    "two..dots.jpg",
    "a.tar.gz.jpg",
    "a.txt.jpg",
    "-rf.jpg",
    "~root.jpg",
    "$(reboot).jpg",
    "%2e%2e%2fa.jpg",
    "c:evil.jpg",
    "a\u202egpj.jpg",
    "mask.jpg",
    "a_mask_1.jpg",
    "'quoted\".jpg",
    f"{'x' * 251}.jpg",
    f"{'狼' * 83}.jpg",
]

TWINS = [
    ("a.jpg", "a.png"),
    ("a.jpg", "a.JPG"),
    ("a.jpg", "A.jpg"),
    ("a.jpeg", "A.WEBP"),
    (f"{NFC}.jpg", f"{NFD}.jpg"),
    (f"{NFC}.jpg", f"{NFD.upper()}.jpg"),
    ("straße.jpg", "STRASSE.jpg"),
]


@pytest.mark.parametrize("name", REFUSED_NAMES, ids=ascii)
def test_a_name_that_cannot_go_into_an_archive_is_refused(name: str) -> None:
    code, words = REFUSED_NAMES[name]
    files = {name: JPEG} if code == "no_preprocessed_images" else {**FOUR, name: PNG if name.endswith("PNG") else JPEG}
    assert_refused(outcome(a_listing_of(files)), code, words)


@pytest.mark.parametrize("name", TAKEN_NAMES, ids=ascii)
def test_any_other_name_goes_into_the_archive_as_it_is_beside_its_caption(name: str) -> None:
    stem, _, kind = name.rpartition(".")
    found = outcome(a_listing_of({**FOUR, name: JPEG, f"{stem}.txt": b"TOK as a wolf"}))
    assert_taken(found)
    assert found.entries is not None
    assert found.entries[f"{stem}.{kind.lower()}"] == JPEG
    assert found.entries[f"{stem}.txt"] == b"TOK as a wolf"


@pytest.mark.parametrize(("one", "other"), TWINS, ids=ascii)
def test_names_that_are_one_name_to_some_computers_are_refused(one: str, other: str) -> None:
    content = {"jpg": JPEG, "jpeg": JPEG, "png": PNG, "webp": READABLE["a WebP"][1]}
    files = {name: content[name.rpartition(".")[2].lower()] for name in (one, other)}
    assert_refused(outcome({**FOUR, **files}), "duplicate_image_name", "would share one name")


@pytest.mark.parametrize(("picture", "caption"), [(NFC, NFD), (NFD, NFC)], ids=ascii)
def test_a_caption_belongs_to_its_picture_however_the_accents_are_written(picture: str, caption: str) -> None:
    found = outcome({**FOUR, f"{picture}.jpg": JPEG, f"{caption}.txt": b"TOK as a wolf"})
    assert_taken(found)
    assert found.entries is not None
    assert found.entries[f"{picture}.txt"] == b"TOK as a wolf"


@pytest.mark.parametrize("name", ["..jpg", "...jpg", ".jpg", ".hidden.jpg", "../up.jpg", "a/b.jpg", "a.jpg/b.jpg"])
def test_hidden_files_and_those_in_folders_are_none_of_the_shoots(name: str) -> None:
    found = outcome(a_listing_of({**FOUR, name: b"no picture"}))
    assert_taken(found)
    assert found.entries is not None
    assert set(found.entries) == set(FOUR)


# --- pictures


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_no_picture_is_refused_and_nothing_is_written(what: str) -> None:
    name, content, words = UNREADABLE[what]
    assert_refused(outcome({**FOUR, name: content}), "unreadable_image", words)


@pytest.mark.parametrize("what", READABLE)
def test_every_picture_that_trainers_read_is_taken(what: str) -> None:
    name, content = READABLE[what]
    assert_taken(outcome({**FOUR, name: content}))


# --- captions

REFUSED_CAPTIONS = {
    "UTF-16 with its mark": "a wolf".encode("utf-16"),
    "UTF-16 without": "a wolf".encode("utf-16-le"),
    "UTF-32": "a wolf".encode("utf-32"),
    "Latin-1": "Käppchen".encode("latin-1"),
    "half a character": "Käppchen".encode()[:2],
    "an overlong slash": b"\xc0\xaf",
    "half of a pair": b"\xed\xa0\x80",
    "a zero": b"a\0wolf",
    "a bell": b"a\x07wolf",
    "an escape": b"\x1b[31ma wolf",
    "a C1 control": "a\x9bwolf".encode(),
    "a right-to-left override": "a \u202eflow".encode(),
    "an isolate of another direction": "a \u2067flow".encode(),
    "an end of line that is none to files": "a\u2028wolf".encode(),
    "a picture": JPEG,
    "one megabyte": b"a wolf " * 150_000,
    "2,001 characters": b"x" * 2001,
}

TAKEN_CAPTIONS = {
    "nothing": (b"", "TOK"),
    "only white space": (b" \r\n\t\n", "TOK"),
    "UTF-8 with its mark": (b"\xef\xbb\xbfa wolf", "TOK, a wolf"),
    "Windows lines": (b"a wolf\r\nin a wood\r\n", "TOK, a wolf\r\nin a wood"),
    "another script": ("ذئب في الغابة".encode(), "TOK, ذئب في الغابة"),
    "joined emoji": ("a 👨‍👩‍👧".encode(), "TOK, a 👨‍👩‍👧"),
    "the placeholder, often": (b"[trigger] " * 200, ("TOK " * 200).strip()),
    "a pattern": (rb"\1 (?:.*)+$ {0} %s", r"TOK, \1 (?:.*)+$ {0} %s"),
    "2,000 characters": (b"x" * 2000, f"TOK, {'x' * 2000}"),
}


@pytest.mark.parametrize("what", REFUSED_CAPTIONS)
def test_a_caption_that_is_no_short_text_is_refused(what: str) -> None:
    assert_refused(outcome({**FOUR, "0.txt": REFUSED_CAPTIONS[what]}), "invalid_caption", "0.txt")


@pytest.mark.parametrize("what", TAKEN_CAPTIONS)
def test_any_short_text_is_a_caption(what: str) -> None:
    stored, packaged = TAKEN_CAPTIONS[what]
    found = outcome({**FOUR, "0.txt": stored})
    assert found.entries is not None
    assert found.entries["0.txt"].decode() == packaged


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "a \u202eflow", "a \u2067flow", "a\u2028wolf"], ids=ascii)
def test_halves_of_characters_and_what_hides_are_no_caption_that_can_be_given(text: str) -> None:
    with pytest.raises(InvalidCaption, match=r"01\.txt"):
        checked_captions({"01": text}, max_characters=2000)


# --- many files, and files that change


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (pictures_of(10_000), "too_many_images"),
        ({f"{n:05}.txt": b"TOK" for n in range(10_000)}, "no_preprocessed_images"),
        ({f"{n:05}.gif": b"GIF89a" for n in range(10_000)}, "no_preprocessed_images"),
    ],
    ids=["pictures", "captions", "others"],
)
def test_of_ten_thousand_files_none_is_read(files: dict[str, bytes], code: str) -> None:
    bucket = a_shoot_of(files)
    assert_refused(outcome(bucket), code)
    assert bucket.reads == 0


def test_ten_thousand_files_of_no_concern_do_not_keep_a_shoot_from_being_trained() -> None:
    files = {**FOUR, **{f"orphan-{n:05}.txt": b"TOK" for n in range(10_000)}}
    found = outcome(files)
    assert_taken(found)
    assert found.entries is not None
    assert len(found.entries) == len(FOUR)


def endless(served: list[int]) -> Iterator[bytes]:
    """An object that never ends."""
    for number in itertools.count():
        served.append(number)
        yield bytes(1 << 16)


@pytest.mark.parametrize("name", ["0.jpg", "0.txt"])
@pytest.mark.parametrize("change", ["gone", "longer", "shorter", "endless"])
def test_a_file_that_changes_while_it_is_read_makes_the_shoot_be_listed_again(name: str, change: str) -> None:
    bucket, served = a_shoot_of({**FOUR, "0.txt": b"TOK as a wolf"}), list[int]()
    stored = b"".join(bucket.read(f"{PREFIX}{name}"))

    def gone() -> Iterator[bytes]:
        raise StorageUnavailable(reason="there is no such object")
        yield b""

    bucket.pieces[f"{PREFIX}{name}"] = {
        "gone": gone,
        "longer": lambda: iter([stored, b"x"]),
        "shorter": lambda: iter([stored[:-1]]),
        "endless": lambda: endless(served),
    }[change]
    datasets = MemoryObjects("datasets")
    with pytest.raises(StorageUnavailable) as refused:
        make_archive(
            a_training(),
            shoots=bucket,
            thumbnails=MemoryObjects("thumbnails"),
            datasets=datasets,
            nonce="n",
            limits=DatasetSettings(),
        )
    assert refused.value.retryable
    assert list(datasets.list("")) == []
    assert len(served) <= 1, "what is longer than listed is not read on"


@pytest.mark.parametrize("listed", [0, 1, 10**12])
def test_a_listing_that_lies_about_a_size_does_no_harm(listed: int) -> None:
    bucket = a_shoot_of(FOUR)
    bucket.listed[f"{PREFIX}0.jpg"] = listed
    with pytest.raises(ProductError) as refused:
        make_archive(
            a_training(),
            shoots=bucket,
            thumbnails=MemoryObjects("thumbnails"),
            datasets=MemoryObjects("datasets"),
            nonce="n",
            limits=DatasetSettings(),
        )
    assert refused.value.code == ("dataset_too_large" if listed > 10**6 else "storage_unavailable")
