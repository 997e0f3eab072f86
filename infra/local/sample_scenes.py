"""Places and lights of the sample shoot, drawn without any picture from outside."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)

HORIZON = 0.62
GROUND = 0.8


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A place: sky from top to horizon, ridges from far to near, ground, what stands there, and the light on people.

    `light_from` is -1 for the left and 1 for the right; `orb` is the sun or the moon: x, y, radius, colour.
    """

    words: str
    sky: tuple[Colour, Colour]
    ground: Colour
    ridges: tuple[Colour, ...] = ()
    light: Colour = WHITE
    rim: Colour = (255, 244, 220)
    light_from: int = 1
    orb: tuple[float, float, float, Colour] | None = None
    decor: str = ""


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """A colour between two: `share` 0 is the one, 1 the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def draw_scene(scene: Scene, size: int, chance: random.Random) -> Image.Image:
    """The place alone, slightly out of focus as behind somebody who is being photographed."""
    picture = _gradient(scene.sky, size)
    if scene.orb:
        _glow(picture, scene.orb)
    pen = ImageDraw.Draw(picture)
    sky_decor, ridge_decor = _DECOR.get(scene.decor, (None, None))
    if sky_decor:
        sky_decor(pen, size, scene, chance)
    for index, colour in enumerate(scene.ridges):
        height = HORIZON + index * (GROUND - HORIZON) / max(len(scene.ridges), 1)
        pen.polygon(_ridge(size, height, 0.06 - 0.015 * index, chance), fill=colour)
    if ridge_decor:
        ridge_decor(pen, size, scene, chance)
    _draw_ground(pen, size, scene)
    return picture.filter(ImageFilter.BoxBlur(max(1, size // 400)))


def draw_weather(scene: Scene, picture: Image.Image, chance: random.Random) -> None:
    """What falls in front of everything: snow or rain."""
    pen, size = ImageDraw.Draw(picture, "RGBA"), picture.width
    for _ in range({"snow": 130, "rain": 220}.get(scene.decor, 0)):
        x, y, near = chance.random() * size, chance.random() * size, 0.4 + chance.random()
        if scene.decor == "snow":
            _dot(pen, x, y, size * 0.0035 * near, (255, 255, 255, round(120 + 90 * min(near, 1))))
        else:
            end = (x - size * 0.012 * near, y + size * 0.05 * near)
            pen.line([(x, y), end], fill=(226, 234, 244, 90), width=max(1, size // 500))


def _gradient(sky: tuple[Colour, Colour], size: int) -> Image.Image:
    strip = Image.new("RGB", (1, 64))
    for y in range(64):
        strip.putpixel((0, y), mix(*sky, min(1.0, y / 64 / HORIZON)))
    return strip.resize((size, size), Image.Resampling.BICUBIC)


def _glow(picture: Image.Image, orb: tuple[float, float, float, Colour]) -> None:
    x, y, radius, colour = orb
    size = picture.width
    centre_x, centre_y, spread = round(x * size), round(y * size), round(radius * size * 5)
    halo = Image.radial_gradient("L").resize((2 * spread, 2 * spread)).point(lambda v: max(0, 150 - v * 150 // 180))
    picture.paste(colour, (centre_x - spread, centre_y - spread), halo)
    _dot(ImageDraw.Draw(picture), centre_x, centre_y, radius * size, colour)


def _ridge(size: int, height: float, swing: float, chance: random.Random) -> list[tuple[float, float]]:
    waves = [(swing / n, n * (0.7 + 0.6 * chance.random()), chance.random() * math.tau) for n in (1, 2, 3, 5)]
    line = []
    for step in range(65):
        x = step / 64
        y = height - sum(a * math.sin(math.tau * f * x + p) for a, f, p in waves)
        line.append((x * size, y * size))
    return [(0.0, float(size)), *line, (float(size), float(size))]


def _draw_ground(pen: ImageDraw.ImageDraw, size: int, scene: Scene) -> None:
    bands = 24
    for band in range(bands):
        top = GROUND + (1 - GROUND) * band / bands
        colour = mix(mix(scene.ground, scene.sky[1], 0.18), mix(scene.ground, (0, 0, 0), 0.16), band / bands)
        pen.rectangle((0, top * size, size, size), fill=colour)


Pen = ImageDraw.ImageDraw
Decorate = Callable[[Pen, int, Scene, random.Random], None]


def _dot(pen: Pen, x: float, y: float, radius: float, colour: tuple[int, ...]) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _clouds(pen: Pen, size: int, scene: Scene, chance: random.Random) -> None:
    colour = mix(scene.sky[1], WHITE, 0.7)
    for _ in range(5):
        x, y, width = chance.random(), 0.08 + 0.34 * chance.random(), 0.05 + 0.06 * chance.random()
        for puff in range(5):
            across = (puff - 2) * width * 0.55
            lift = width * 0.22 * (2 - abs(puff - 2))
            _dot(pen, (x + across) * size, (y - lift) * size, width * size * (0.5 - 0.09 * abs(puff - 2)), colour)


def _stars(pen: Pen, size: int, scene: Scene, chance: random.Random) -> None:
    for _ in range(140):
        x, y = chance.random() * size, chance.random() * HORIZON * size
        _dot(
            pen, x, y, size * (0.0012 + 0.0022 * chance.random()), mix(scene.sky[0], WHITE, 0.5 + 0.5 * chance.random())
        )


def _peaks(pen: Pen, size: int, scene: Scene, chance: random.Random) -> None:
    for x, top, half in ((0.1, 0.34, 0.3), (0.86, 0.26, 0.36), (0.5, 0.42, 0.3)):
        foot, rock = HORIZON + 0.08, mix((112, 118, 162), scene.sky[1], 0.25 + 0.2 * chance.random())
        pen.polygon(
            [((x - half) * size, foot * size), (x * size, top * size), ((x + half) * size, foot * size)], fill=rock
        )
        shade = [(x * size, top * size), ((x + half) * size, foot * size), ((x + half * 0.2) * size, foot * size)]
        pen.polygon(shade, fill=mix(rock, (60, 60, 110), 0.3))
        cap, drop = (foot - top) * 0.28, half * 0.28
        zigzag = [(-1, 1.0), (-0.4, 0.75), (0, 1.1), (0.4, 0.8), (1, 1.0)]
        snow = [(x + a * drop, top + b * cap) for a, b in zigzag]
        pen.polygon([(x * size, top * size), *((a * size, b * size) for a, b in reversed(snow))], fill=(246, 246, 252))


def _castle(pen: Pen, size: int, scene: Scene, chance: random.Random) -> None:
    stone, roof = mix((150, 146, 152), scene.sky[1], 0.25), mix((104, 76, 96), scene.sky[1], 0.2)
    for x, width, top in ((0.66, 0.2, 0.5), (0.63, 0.06, 0.38), (0.72, 0.07, 0.32), (0.82, 0.055, 0.42)):
        pen.rectangle((x * size, top * size, (x + width) * size, 0.74 * size), fill=stone)
        if width < 0.1:
            spire = [(x - 0.01, top), (x + width / 2, top - 0.12), (x + width + 0.01, top)]
            pen.polygon([(a * size, b * size) for a, b in spire], fill=roof)
            window = (x + width * 0.38, top + 0.05, x + width * 0.62, top + 0.09)
            pen.rectangle([v * size for v in window], fill=mix(stone, (40, 40, 60), 0.6))


def _pines(pen: Pen, size: int, scene: Scene, chance: random.Random) -> None:
    near = mix(scene.ridges[-1], scene.ground, 0.5) if scene.decor != "snow" else (96, 128, 136)
    for row in range(3):
        colour = mix(scene.sky[1], near, 0.45 + 0.27 * row)
        for index in range(9 - row):
            x = (index + chance.random()) / (8 - row)
            foot, height = 0.74 + 0.035 * row, 0.2 + 0.12 * row + 0.1 * chance.random()
            for tier in range(4):
                top, half = foot - height * (1 - tier * 0.19), height * (0.09 + 0.055 * tier)
                base = foot - height * (0.62 - tier * 0.19)
                pen.polygon(
                    [((x - half) * size, base * size), (x * size, top * size), ((x + half) * size, base * size)],
                    fill=colour,
                )


def _trees(pen: Pen, size: int, scene: Scene, chance: random.Random) -> None:
    leaves = ((214, 112, 48), (226, 156, 58), (188, 78, 44), (206, 134, 52))
    for index in range(7):
        x, foot, height = (index + 0.6 * chance.random()) / 6.4, 0.8, 0.36 + 0.16 * chance.random()
        trunk = size * 0.012
        pen.rectangle((x * size - trunk, (foot - height) * size, x * size + trunk, foot * size), fill=(98, 66, 50))
        for _ in range(16):
            across, up = 0.1 * (chance.random() - 0.5) * 2, 0.17 * (chance.random() - 0.35)
            colour = mix(chance.choice(leaves), scene.sky[1], 0.12)
            _dot(pen, (x + across) * size, (foot - height - up) * size, size * (0.03 + 0.03 * chance.random()), colour)


def _houses(pen: Pen, size: int, scene: Scene, chance: random.Random) -> None:
    for row in range(2):
        for index in range(7):
            x, width = (index - 0.3 * row) / 6.2, 0.12 + 0.04 * chance.random()
            top = 0.56 + 0.08 * row + 0.06 * chance.random()
            wall = mix(
                mix((188, 148, 140), scene.ground, 0.3 * row + 0.2 * chance.random()), scene.sky[1], 0.25 - 0.15 * row
            )
            pen.rectangle((x * size, top * size, (x + width) * size, size), fill=wall)
            gable = [(x - 0.012, top), (x + width / 2, top - 0.08), (x + width + 0.012, top)]
            pen.polygon([(a * size, b * size) for a, b in gable], fill=mix((134, 66, 64), scene.ground, 0.2))
            lit = (255, 220, 140) if chance.random() < 0.6 else mix(wall, (40, 30, 60), 0.5)
            for side in (0.22, 0.6):
                window = (x + width * side, top + 0.03, x + width * (side + 0.18), top + 0.065)
                pen.rectangle([v * size for v in window], fill=lit)


def _flowers(pen: Pen, size: int, scene: Scene, chance: random.Random) -> None:
    for _ in range(26):
        x, y, puff = chance.random(), 0.7 + 0.08 * chance.random(), 0.012 + 0.03 * chance.random()
        _dot(pen, x * size, y * size, puff * size, mix(scene.ground, (60, 110, 60), 0.3 + 0.5 * chance.random()))


_DECOR: Mapping[str, tuple[Decorate | None, Decorate | None]] = {
    "meadow": (_clouds, _flowers),
    "clouds": (_clouds, None),
    "castle": (_clouds, _castle),
    "pines": (None, _pines),
    "snow": (None, _pines),
    "stars": (_stars, _pines),
    "trees": (None, _trees),
    "houses": (_clouds, _houses),
    "peaks": (_peaks, None),
}

# fmt: off
SCENES = (
    Scene(words="on a green hill at noon", decor="meadow", sky=((86, 156, 222), (206, 232, 244)), ground=(104, 164, 84),
          ridges=((150, 190, 190), (128, 178, 120)), orb=(0.82, 0.15, 0.05, (255, 250, 214))),
    Scene(words="at sunset", sky=((72, 62, 122), (250, 168, 104)), ground=(70, 44, 64),
          ridges=((176, 98, 108), (112, 62, 88)), orb=(0.24, 0.5, 0.08, (255, 228, 156)),
          light=(255, 214, 188), rim=(255, 196, 116), light_from=-1),
    Scene(words="in a pine forest", decor="pines", sky=((150, 186, 172), (216, 228, 204)), ground=(78, 108, 74),
          ridges=((140, 172, 152), (96, 138, 112)), light=(226, 240, 222), rim=(236, 255, 220)),
    Scene(words="before a castle", decor="castle", sky=((120, 170, 214), (238, 226, 206)), ground=(136, 150, 92),
          ridges=((164, 178, 182), (130, 150, 116)), orb=(0.16, 0.2, 0.045, (255, 246, 210)), light_from=-1),
    Scene(words="in the snow", decor="snow", sky=((142, 172, 206), (232, 240, 248)), ground=(236, 242, 250),
          ridges=((190, 208, 228), (214, 228, 242)), light=(232, 240, 255), rim=WHITE),
    Scene(words="at night under the moon", decor="stars", sky=((14, 20, 48), (58, 74, 124)), ground=(30, 40, 64),
          ridges=((40, 52, 92), (28, 38, 70)), orb=(0.76, 0.2, 0.065, (238, 240, 226)),
          light=(158, 172, 226), rim=(206, 220, 255)),
    Scene(words="in a studio with a grey backdrop", sky=((168, 170, 178), (216, 216, 218)), ground=(176, 176, 182),
          rim=WHITE, light_from=-1),
    Scene(words="on a beach", decor="clouds", sky=((92, 178, 224), (224, 242, 244)), ground=(236, 214, 164),
          ridges=((52, 140, 178), (84, 174, 196)), orb=(0.2, 0.14, 0.05, (255, 252, 226)), light=(255, 246, 230),
          light_from=-1),
    Scene(words="in an autumn wood", decor="trees", sky=((222, 186, 130), (250, 232, 190)), ground=(150, 92, 54),
          ridges=((214, 150, 92), (184, 112, 66)), light=(255, 230, 200), rim=(255, 220, 150)),
    Scene(words="above the roofs of a town", decor="houses", sky=((106, 116, 172), (246, 196, 178)),
          ground=(104, 86, 104), ridges=((160, 132, 158),), light=(255, 224, 216), rim=(255, 210, 184), light_from=-1),
    Scene(words="in the rain", decor="rain", sky=((96, 108, 124), (168, 178, 186)), ground=(80, 92, 92),
          ridges=((120, 134, 142), (94, 108, 112)), light=(206, 216, 226), rim=(226, 236, 246)),
    Scene(words="in front of mountains in the morning", decor="peaks", sky=((126, 150, 206), (252, 214, 206)),
          ground=(118, 150, 96), ridges=((150, 158, 186), (116, 144, 126)), light=(255, 234, 226)),
)
# fmt: on
