"""The person of the sample shoot: a figure in a red cape with a hood, in poses.

Measured in heads: the feet stand at (0, 0), y points up, the figure is 5.6 heads high.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from infra.local.sample_scenes import Colour, Scene, mix

Point = tuple[float, float]

HEIGHT = 5.6
# drawn larger and reduced, so that edges are smooth
OVERSAMPLING = 2

RED: Colour = (186, 28, 36)
DARK_RED: Colour = (132, 14, 28)
BRIGHT_RED: Colour = (216, 58, 52)
TUNIC: Colour = (62, 74, 118)
LEATHER: Colour = (96, 62, 42)
GOLD: Colour = (230, 184, 84)
TROUSERS: Colour = (84, 72, 82)
SKIN: Colour = (242, 200, 168)
HAIR: Colour = (104, 60, 36)
INK: Colour = (62, 38, 36)
SHADE: Colour = (70, 60, 100)


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How the figure stands: angles of upper and lower limbs, left then right, in degrees from straight down.

    `wind` blows the cape to the right where it is positive, `look` turns the face, both -1 to 1; `lean` is in heads.
    """

    words: str
    arms: tuple[float, float, float, float] = (-14, -8, 14, 8)
    legs: tuple[float, float, float, float] = (-8, -4, 8, 4)
    lean: float = 0.0
    wind: float = 0.15
    look: float = 0.0
    from_behind: bool = False
    lantern: bool = False


POSES = (
    Pose(words="standing with hands on hips", arms=(-50, 44, 50, -44), look=0.1),
    Pose(words="waving", arms=(-16, -6, 126, 168), look=0.3, wind=-0.3),
    Pose(words="walking", arms=(24, 40, -22, -4), legs=(-24, -30, 22, 8), lean=0.06, wind=-0.6, look=0.5),
    Pose(words="raising a fist", arms=(-50, 44, 164, 176), legs=(-16, -10, 16, 10), wind=0.8, look=-0.2),
    Pose(words="seen from behind", arms=(-18, -10, 18, 10), wind=0.3, from_behind=True),
    Pose(words="holding up a lantern", arms=(-14, -6, 60, 128), look=0.4, wind=-0.1, lantern=True),
    Pose(words="with folded hands", arms=(-22, 84, 22, -84), look=-0.1, wind=0.05),
    Pose(words="running", arms=(50, 118, -46, 30), legs=(-34, -74, 40, 2), lean=0.26, wind=-1.0, look=0.7),
    Pose(words="pointing to the side", arms=(-90, -92, 16, 8), look=-0.7, wind=0.6),
    Pose(words="with both arms spread", arms=(-94, -112, 94, 112), legs=(-12, -8, 12, 8), wind=0.2),
    Pose(words="with a raised hand", arms=(-16, -6, 62, 196), look=0.2, wind=-0.5),
    Pose(words="stepping forward", arms=(-34, -22, 30, 62), legs=(-12, -20, 28, 12), lean=0.12, wind=-0.4, look=0.4),
)


@dataclass
class _Canvas:
    """Draws in heads on an image in pixels."""

    image: Image.Image
    unit: float
    origin: Point

    def __post_init__(self) -> None:
        self.pen = ImageDraw.Draw(self.image)

    def at(self, point: Point) -> Point:
        return self.origin[0] + point[0] * self.unit, self.origin[1] - point[1] * self.unit

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        self.pen.polygon([self.at(point) for point in points], fill=colour)

    def oval(self, centre: Point, across: float, up: float, colour: Colour) -> None:
        x, y = self.at(centre)
        self.pen.ellipse(
            (x - across * self.unit, y - up * self.unit, x + across * self.unit, y + up * self.unit), fill=colour
        )

    def limb(self, start: Point, end: Point, widths: tuple[float, float], colour: Colour) -> None:
        """A rounded stroke that tapers from the first width to the second."""
        length = math.dist(start, end) or 1.0
        side = ((start[1] - end[1]) / length, (end[0] - start[0]) / length)
        first, last = widths[0] / 2, widths[1] / 2
        corners = ((start, first), (end, last), (end, -last), (start, -first))
        self.shape([(p[0] + side[0] * w, p[1] + side[1] * w) for p, w in corners], colour)
        self.oval(start, first, first, colour)
        self.oval(end, last, last, colour)


def draw_figure(pose: Pose, scene: Scene, size: int, *, height: float, feet: Point) -> Image.Image:
    """The figure on a transparent picture, in the scene's light; `height` and `feet` are shares of the picture."""
    large = size * OVERSAMPLING
    layer = Image.new("RGBA", (large, large), (*RED, 0))
    unit = height * large / HEIGHT
    ground = min(_leg(pose, 0)[2][1], _leg(pose, 1)[2][1]) - 0.14
    canvas = _Canvas(layer, unit, (feet[0] * large, feet[1] * large + ground * unit))
    _draw_cape(canvas, pose)
    if pose.from_behind:
        _draw_legs(canvas, pose)
        _draw_arms(canvas, pose)
        _draw_cape(canvas, pose)
        _draw_hood(canvas, pose)
    else:
        _draw_legs(canvas, pose)
        _draw_body(canvas, pose)
        _draw_hood(canvas, pose)
        _draw_face(canvas, pose)
        _draw_arms(canvas, pose)
    return _lit(layer.reduce(OVERSAMPLING), scene)


def _lit(layer: Image.Image, scene: Scene) -> Image.Image:
    """The figure in the colour of the light: one side in shade, a bright rim on the other."""
    alpha, size = layer.getchannel("A"), layer.width
    left, _, right, _ = layer.getbbox() or (0, 0, size, size)
    ramp = Image.linear_gradient("L").rotate(90 * scene.light_from).resize((right - left, size))
    bright = Image.new("L", (size, size))
    bright.paste(ramp, (left, 0))
    lit, shaded = (Image.new("RGB", layer.size, colour) for colour in (scene.light, mix(scene.light, SHADE, 0.42)))
    colours = ImageChops.multiply(layer.convert("RGB"), Image.composite(lit, shaded, bright))
    reach = max(2, size // 170)
    inner = ImageChops.offset(alpha, -reach * scene.light_from, reach // 2)
    rim = ImageChops.subtract(alpha, inner).filter(ImageFilter.BoxBlur(1)).point(lambda v: v * 6 // 10)
    colours.paste(scene.rim, (0, 0), rim)
    colours.putalpha(alpha)
    return colours


def _turned(start: Point, angle: float, length: float) -> Point:
    radians = math.radians(angle)
    return start[0] + math.sin(radians) * length, start[1] - math.cos(radians) * length


def _leg(pose: Pose, side: int) -> tuple[Point, Point, Point]:
    hip = ((-0.27, 0.27)[side], 2.45)
    knee = _turned(hip, pose.legs[2 * side], 1.15)
    return hip, knee, _turned(knee, pose.legs[2 * side + 1], 1.1)


def _arm(pose: Pose, side: int) -> tuple[Point, Point, Point]:
    shoulder = ((-0.62, 0.62)[side] + pose.lean, 3.92)
    elbow = _turned(shoulder, pose.arms[2 * side], 0.82)
    return shoulder, elbow, _turned(elbow, pose.arms[2 * side + 1], 0.78)


def _draw_legs(canvas: _Canvas, pose: Pose) -> None:
    for side in (0, 1):
        hip, knee, ankle = _leg(pose, side)
        shade = TROUSERS if side else mix(TROUSERS, (0, 0, 0), 0.12)
        canvas.limb(hip, knee, (0.52, 0.42), shade)
        canvas.limb(knee, ankle, (0.42, 0.3), shade)
        middle = ((knee[0] + 2 * ankle[0]) / 3, (knee[1] + 2 * ankle[1]) / 3)
        canvas.limb(middle, ankle, (0.42, 0.36), LEATHER)
        toe = ankle[0] + (0.26 if pose.look > 0.3 else -0.26 if pose.look < -0.3 else (-0.1, 0.1)[side])
        canvas.limb((ankle[0], ankle[1] - 0.02), (toe, ankle[1] - 0.03), (0.34, 0.26), mix(LEATHER, (0, 0, 0), 0.15))


def _draw_body(canvas: _Canvas, pose: Pose) -> None:
    lean = pose.lean
    canvas.shape(
        [(-0.62 + lean, 4.02), (0.62 + lean, 4.02), (0.46, 2.75), (0.66, 1.95), (-0.66, 1.95), (-0.46, 2.75)], TUNIC
    )
    canvas.shape(
        [(0.1 + lean, 4.02), (0.62 + lean, 4.02), (0.46, 2.75), (0.66, 1.95), (0.2, 1.95)], mix(TUNIC, (0, 0, 30), 0.22)
    )
    canvas.shape([(-0.66, 2.05), (0.66, 2.05), (0.66, 1.95), (-0.66, 1.95)], GOLD)
    canvas.limb((-0.44, 2.74), (0.44, 2.74), (0.2, 0.2), LEATHER)
    canvas.oval((0, 2.74), 0.14, 0.13, GOLD)
    canvas.oval((0, 2.74), 0.07, 0.06, LEATHER)


def _draw_arms(canvas: _Canvas, pose: Pose) -> None:
    for side in (0, 1):
        shoulder, elbow, hand = _arm(pose, side)
        sleeve = TUNIC if side else mix(TUNIC, (255, 255, 255), 0.08)
        canvas.limb(shoulder, elbow, (0.4, 0.34), sleeve)
        canvas.limb(elbow, hand, (0.34, 0.26), sleeve)
        wrist = ((elbow[0] + 2 * hand[0]) / 3, (elbow[1] + 2 * hand[1]) / 3)
        canvas.limb(wrist, hand, (0.33, 0.27), LEATHER)
        canvas.oval(hand, 0.17, 0.17, SKIN)
        if pose.lantern and side:
            _draw_lantern(canvas, hand)
    if not pose.from_behind:
        _draw_mantle(canvas, pose)


def _draw_lantern(canvas: _Canvas, hand: Point) -> None:
    x, y = hand[0], hand[1] - 0.5
    canvas.limb(hand, (x, y + 0.3), (0.05, 0.05), INK)
    canvas.shape([(x - 0.24, y + 0.22), (x, y + 0.42), (x + 0.24, y + 0.22)], INK)
    canvas.shape(
        [(x - 0.2, y + 0.22), (x + 0.2, y + 0.22), (x + 0.24, y - 0.28), (x - 0.24, y - 0.28)], (255, 214, 110)
    )
    canvas.oval((x, y - 0.04), 0.12, 0.17, (255, 250, 214))
    canvas.limb((x - 0.22, y - 0.3), (x + 0.22, y - 0.3), (0.1, 0.1), INK)


def _draw_mantle(canvas: _Canvas, pose: Pose) -> None:
    """The cape where it lies over the shoulders, with its clasp."""
    x = pose.lean
    canvas.shape(
        [(x - 0.86, 3.72), (x - 0.62, 4.16), (x - 0.2, 4.36), (x + 0.05, 4.0), (x - 0.3, 3.72), (x - 0.6, 3.62)], RED
    )
    canvas.shape(
        [(x + 0.86, 3.72), (x + 0.62, 4.16), (x + 0.2, 4.36), (x - 0.05, 4.0), (x + 0.3, 3.72), (x + 0.6, 3.62)],
        DARK_RED,
    )
    canvas.oval((x, 4.02), 0.13, 0.13, GOLD)
    canvas.oval((x, 4.02), 0.06, 0.06, BRIGHT_RED)


def _curve(start: Point, bend: Point, end: Point) -> list[Point]:
    def along(t: float, axis: int) -> float:
        return (1 - t) ** 2 * start[axis] + 2 * t * (1 - t) * bend[axis] + t * t * end[axis]

    return [(along(step / 12, 0), along(step / 12, 1)) for step in range(13)]


def _draw_cape(canvas: _Canvas, pose: Pose) -> None:
    """The cape from the shoulders to its wavy hem, with folds; the wind lifts it to its side."""
    wind, x = pose.wind, pose.lean
    lift = 0.55 * abs(wind)
    hem = []
    for step in range(25):
        t = step / 24
        across = -1.2 + 2.4 * t + wind * (1.3 + 0.5 * t * (1 if wind > 0 else -1))
        up = 0.42 + lift * (t if wind > 0 else 1 - t) * 1.5 + 0.07 * math.sin(t * math.tau * 3.5)
        hem.append((across, up))
    left = _curve((x - 0.66, 4.12), (x - 1.12 + 0.25 * wind, 2.7), hem[0])
    right = _curve(hem[-1], (x + 1.12 + 0.25 * wind, 2.7), (x + 0.66, 4.12))
    canvas.shape([*left, *hem, *right], RED if pose.from_behind else mix(RED, DARK_RED, 0.45))
    for index in range(2, 23, 4):
        top = (x - 0.5 + index / 24, 3.9)
        bend = (x - 0.8 + 1.6 * index / 24 + 0.3 * wind, 2.4)
        colour = mix(RED, BRIGHT_RED if index % 8 == 2 else DARK_RED, 0.75)
        canvas.shape([*_curve(top, bend, hem[index]), hem[index + 1], hem[index + 2]], colour)


def _draw_hood(canvas: _Canvas, pose: Pose) -> None:
    x = pose.lean * 1.4
    canvas.shape(
        [*_curve((x - 0.7, 4.05), (x - 0.85, 5.5), (x, 5.62)), *_curve((x, 5.62), (x + 0.85, 5.5), (x + 0.7, 4.05))],
        RED,
    )
    if pose.from_behind:
        canvas.shape(
            [*_curve((x + 0.1, 5.58), (x + 0.8, 5.4), (x + 0.68, 4.1)), (x + 0.3, 4.2)], mix(RED, DARK_RED, 0.5)
        )
        canvas.shape([*_curve((x - 0.12, 5.3), (x - 0.4, 4.9), (x - 0.36, 4.3)), (x - 0.24, 4.3)], BRIGHT_RED)
        return
    canvas.oval((x + 0.04 * pose.look, 4.8), 0.56, 0.64, DARK_RED)
    canvas.limb((x - 0.28, 4.16), (x + 0.28, 4.16), (0.34, 0.34), DARK_RED)


def _draw_face(canvas: _Canvas, pose: Pose) -> None:
    x, turn = pose.lean * 1.4 + 0.04 * pose.look, 0.13 * pose.look
    canvas.oval((x, 4.84), 0.48, 0.54, HAIR)
    canvas.oval((x + turn * 0.4, 4.72), 0.41, 0.47, SKIN)
    fringe = [
        (x - 0.42, 4.8),
        *_curve((x - 0.42, 4.95), (x, 5.5), (x + 0.42, 4.95)),
        (x + 0.42, 4.8),
        (x + 0.2 + turn, 5.0),
        (x - 0.05 + turn, 4.94),
    ]
    canvas.shape(fringe, HAIR)
    for side in (-1, 1):
        eye = (x + turn + side * 0.16, 4.74)
        canvas.oval(eye, 0.05, 0.07, INK)
        canvas.oval((eye[0] + 0.015, 4.765), 0.018, 0.022, (255, 255, 255))
        canvas.limb((eye[0] - 0.07, 4.87), (eye[0] + 0.07, 4.88), (0.035, 0.03), mix(HAIR, INK, 0.5))
        canvas.oval((x + turn * 0.8 + side * 0.25, 4.6), 0.085, 0.055, mix(SKIN, BRIGHT_RED, 0.25))
    canvas.limb((x + turn * 1.3, 4.7), (x + turn * 1.4, 4.62), (0.04, 0.07), mix(SKIN, HAIR, 0.3))
    canvas.shape(_curve((x + turn - 0.13, 4.5), (x + turn, 4.4), (x + turn + 0.13, 4.5)), mix(BRIGHT_RED, INK, 0.3))
