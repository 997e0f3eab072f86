"""Pictures that the API decoded for their thumbnails are not decoded again, and nothing else can vouch for one."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping

import pytest

from functions.api.thumbnails import show_thumbnails
from functions.packager.package_dataset import make_archive
from shared.adapters.memory import MemoryObjects
from shared.errors import StorageUnavailable, UnreadableImage
from shared.images import without_metadata
from shared.settings import DatasetSettings
from shared.shoots import pictures, preprocessed_prefix
from shared.thumbnail_names import ThumbnailName, digest_of, read_names, thumbnail_prefix, version_of
from tests.builders import a_training
from tests.hostile_pictures import READABLE, UNREADABLE
from tests.pictures import a_jpeg

LIMITS = DatasetSettings()
BROKEN = a_jpeg(9)[:-200]


class Shoot:
    """A shoot of four pictures, and what the API and the packager make of it."""

    def __init__(self, **more: bytes) -> None:
        self.pictures, self.thumbnails = MemoryObjects("shoots"), MemoryObjects("thumbnails")
        for number in range(4):
            self.put(f"{number}.jpg", a_jpeg(number))

    def put(self, name: str, content: bytes) -> None:
        self.pictures.write(f"{preprocessed_prefix('s_1')}{name}", [content], content_type="image/jpeg")

    def look(self) -> None:
        prefix = preprocessed_prefix("s_1")
        found = list(pictures(self.pictures.list(prefix), prefix))
        show_thumbnails(
            thumbnail_prefix("s_1"), found, source=self.pictures, thumbnails=self.thumbnails, ttl_s=60, limits=LIMITS
        )

    def vouch(self, content: bytes, *, shoot_id: str = "s_1", width: int = 9) -> None:
        """A thumbnail's name as only the API could have written it."""
        name = ThumbnailName(of="9.jpg-AAAAAA", digest=digest_of(content), width=width, height=width)
        self.thumbnails.write(f"{thumbnail_prefix(shoot_id)}{name}", [b""], content_type="image/webp")

    def packaged(self, limits: DatasetSettings = LIMITS) -> Mapping[str, bytes]:
        datasets = MemoryObjects("datasets")
        made = make_archive(
            a_training(shoot_id="s_1"),
            shoots=self.pictures,
            thumbnails=self.thumbnails,
            datasets=datasets,
            nonce="n",
            limits=limits,
        )
        content = b"".join(datasets.read(made.archive))
        assert made.sha256 == hashlib.sha256(content).hexdigest()
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            return {name: opened.read(name) for name in opened.namelist()}


def sent(content: bytes) -> bytes:
    return without_metadata(content, "9.jpg", max_pixels=LIMITS.max_image_pixels)


def test_a_picture_whose_very_bytes_were_decoded_before_is_taken_at_that_word() -> None:
    """Only a broken one shows that it is: whole ones are taken anyway."""
    shoot = Shoot()
    shoot.put("9.jpg", BROKEN)
    shoot.vouch(sent(BROKEN))
    assert shoot.packaged()["9.jpg"] == BROKEN


@pytest.mark.parametrize("why", ["nothing", "another shoot", "unreadable", "other bytes", "an unreachable bucket"])
def test_a_broken_picture_that_nothing_vouches_for_is_refused(why: str) -> None:
    shoot = Shoot()
    shoot.put("9.jpg", BROKEN)
    match why:
        case "another shoot":
            shoot.vouch(sent(BROKEN), shoot_id="s_2")
        case "unreadable":
            shoot.vouch(sent(BROKEN), width=0)
        case "other bytes":
            shoot.vouch(a_jpeg(9))
        case "an unreachable bucket":
            shoot.vouch(sent(BROKEN))
            shoot.thumbnails.faults.fail("list", StorageUnavailable(reason="503"))
    with pytest.raises(UnreadableImage, match=r"9\.jpg"):
        shoot.packaged()


@pytest.mark.parametrize("what", UNREADABLE)
def test_looking_at_a_picture_that_cannot_be_read_vouches_for_nothing(what: str) -> None:
    name, content, _ = UNREADABLE[what]
    shoot = Shoot()
    shoot.put(name, content)
    with pytest.raises(UnreadableImage) as before:
        shoot.packaged()
    shoot.look()
    with pytest.raises(UnreadableImage) as after:
        shoot.packaged()
    assert after.value.message == before.value.message


@pytest.mark.parametrize("what", READABLE)
def test_what_was_looked_at_makes_the_same_archive_as_what_was_not(what: str) -> None:
    name, content = READABLE[what]
    shoot = Shoot()
    shoot.put(f"9{name[name.rindex('.') :]}", content)
    before = shoot.packaged()
    shoot.look()
    proven = read_names((info.name for info in shoot.thumbnails.list("")), thumbnail_prefix("s_1")).values()
    assert {found.digest for found in proven} == {
        digest_of(content) for content in before.values() if content[:3] != b"TOK"
    }
    assert shoot.packaged() == before


def test_bytes_that_are_whole_under_one_name_are_not_under_one_of_another_type() -> None:
    shoot = Shoot()
    shoot.look()
    shoot.put("9.png", a_jpeg(0))
    with pytest.raises(UnreadableImage, match="a JPEG, not a PNG"):
        shoot.packaged()


def test_a_picture_that_is_larger_than_is_allowed_by_now_is_refused_although_it_was_looked_at() -> None:
    shoot = Shoot()
    shoot.look()
    with pytest.raises(UnreadableImage, match="pixels"):
        shoot.packaged(DatasetSettings(max_image_pixels=100))


def test_a_picture_that_was_replaced_after_somebody_looked_is_decoded() -> None:
    """Also where its checksum, size and name are the same: those can be made to fit, its digest cannot."""
    shoot = Shoot()
    shoot.look()
    stored = f"{preprocessed_prefix('s_1')}0.jpg"
    whole = b"".join(shoot.pictures.read(stored))
    shoot.pictures.write(stored, [whole[: len(whole) // 2].ljust(len(whole), b"\0")], content_type="image/jpeg")
    with pytest.raises(UnreadableImage, match=r"0\.jpg"):
        shoot.packaged()


def test_a_name_tells_what_was_written_into_it_and_other_names_tell_nothing() -> None:
    shoot = Shoot()
    prefix = preprocessed_prefix("s_1")
    (picture, *_) = pictures(shoot.pictures.list(prefix), prefix)
    name = ThumbnailName(of=version_of(picture), digest=digest_of(b"x"), width=800, height=600)
    others = ["t/s/0.jpg-AAAAAA-800x600.webp", f"t/z/{name}", f"t/s/{'a' * 64}-AAAAAA-8x6.webp", "t/s/0.webp", "t/s/"]
    assert read_names([*others, f"t/s/{name}"], "t/s/") == {name.of: name}
