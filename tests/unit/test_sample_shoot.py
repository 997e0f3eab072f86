"""The sample shoot: real pictures, the same every time, captioned as real ones are."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from infra.local.sample_shoot import draw_sample_shoot


@pytest.fixture(scope="module")
def shoot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "shoot"
    draw_sample_shoot(folder, size=256)
    return folder


def test_there_are_twelve_pictures_each_with_a_caption(shoot: Path) -> None:
    names = [f"{number:02}" for number in range(1, 13)]
    assert sorted(path.name for path in shoot.iterdir()) == sorted(
        f"{n}.{kind}" for n in names for kind in ("jpg", "txt")
    )
    for path in shoot.glob("*.jpg"):
        with Image.open(path) as picture:
            assert (picture.format, picture.size, picture.mode) == ("JPEG", (256, 256), "RGB")


def test_most_captions_have_the_trigger_one_the_placeholder_and_one_neither(shoot: Path) -> None:
    captions = [path.read_text(encoding="utf-8") for path in sorted(shoot.glob("*.txt"))]
    assert sum("TOK" in caption for caption in captions) == 10
    assert sum("[trigger]" in caption for caption in captions) == 1
    assert len(set(captions)) == 12


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(shoot: Path, tmp_path: Path) -> None:
    draw_sample_shoot(tmp_path / "same", size=256)
    draw_sample_shoot(tmp_path / "other", size=256, seed=8)
    assert (tmp_path / "same" / "03.jpg").read_bytes() == (shoot / "03.jpg").read_bytes()
    assert (tmp_path / "other" / "03.jpg").read_bytes() != (shoot / "03.jpg").read_bytes()


def test_more_pictures_than_poses_are_still_all_different(tmp_path: Path) -> None:
    draw_sample_shoot(tmp_path, count=30, size=64)
    assert len({path.read_bytes() for path in tmp_path.glob("*.jpg")}) == 30


def test_every_picture_shows_somebody_in_red(shoot: Path) -> None:
    for path in sorted(shoot.glob("*.jpg")):
        with Image.open(path) as picture:
            middle = picture.crop((64, 32, 192, 224))
        red, green, _ = middle.split()
        clearly_red = ImageChops.subtract(red, green).point(lambda value: 255 if value > 50 else 0)
        assert ImageStat.Stat(clearly_red).mean[0] > 20, path.name
        assert max(ImageStat.Stat(middle).stddev) > 30, path.name
