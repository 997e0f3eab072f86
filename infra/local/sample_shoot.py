"""A shoot to try things with: somebody in a red cape, in different poses, places and lights, with captions.

`python -m infra.local.sample_shoot DIR` draws it into a folder.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from infra.local.sample_figure import POSES, Pose, draw_figure
from infra.local.sample_scenes import SCENES, Scene, draw_scene, draw_weather


@dataclass(frozen=True, kw_only=True)
class Framing:
    """How near the camera is: height of the figure, and where its feet are from the top, as shares of the picture."""

    words: str
    height: float
    feet: float


FULL = Framing(words="full body", height=0.8, feet=0.92)
NEAR = Framing(words="three-quarter shot", height=1.12, feet=1.24)
FAR = Framing(words="seen from a distance", height=0.6, feet=0.88)
PORTRAIT = Framing(words="close-up", height=1.8, feet=1.94)
FRAMINGS = (FULL, NEAR, FULL, FULL, FAR, NEAR, PORTRAIT, FULL, NEAR, FULL, PORTRAIT, FAR)

# most captions have the trigger word; one has the placeholder and one has neither, as real ones come
WHO = {3: "[trigger] person", 7: "a person"}


def draw_sample_shoot(folder: Path, *, count: int = 12, size: int = 1024, seed: int = 7) -> None:
    """Draw `count` square pictures of `size` pixels into `folder`, each with its caption; the same every time."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        pose = POSES[index % len(POSES)]
        # the second round through the poses meets other scenes and framings
        turn = index // len(POSES)
        scene, framing = SCENES[(index + turn) % len(SCENES)], FRAMINGS[(index + 5 * turn) % len(FRAMINGS)]
        picture = _picture(pose, scene, framing, size, random.Random(f"{seed}:{index}"))
        picture.save(folder / f"{index + 1:02}.jpg", quality=90)
        caption = f"{WHO.get(index, 'TOK person')} in a red cape, {pose.words}, {scene.words}, {framing.words}"
        (folder / f"{index + 1:02}.txt").write_text(f"{caption}\n", encoding="utf-8")


def _picture(pose: Pose, scene: Scene, framing: Framing, size: int, chance: random.Random) -> Image.Image:
    picture = draw_scene(scene, size, chance)
    feet = (0.5 + chance.uniform(-0.05, 0.05), framing.feet)
    _draw_shadow(picture, scene, framing, feet)
    figure = draw_figure(pose, scene, size, height=framing.height, feet=feet)
    picture.paste(figure, (0, 0), figure)
    draw_weather(scene, picture, chance)
    return picture


def _draw_shadow(picture: Image.Image, scene: Scene, framing: Framing, feet: tuple[float, float]) -> None:
    """A soft shadow on the ground, away from the light."""
    small = 128
    shadow = Image.new("L", (small, small))
    x, y, wide = feet[0] - 0.04 * scene.light_from, feet[1] - 0.005, 0.17 * framing.height
    box = (x - wide, y - wide * 0.2, x + wide, y + wide * 0.2)
    ImageDraw.Draw(shadow).ellipse([v * small for v in box], fill=130)
    soft = shadow.filter(ImageFilter.GaussianBlur(2)).resize(picture.size, Image.Resampling.BICUBIC)
    picture.paste((20, 16, 30), (0, 0), soft)


def main() -> None:
    """Draw the shoot into the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.sample_shoot", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to draw it; made where it is missing")
    draw_sample_shoot(parser.parse_args().folder)


if __name__ == "__main__":
    main()
