"""Pictures that nothing has dreamt: shapes that follow from prompt, seed, model and scale, so that each can be seen.

The scene is the prompt's and the seed's, and is the same for every model. What a model adds, in its own colour, grows
with the scale; at 0 there is nothing of it.
"""

import hashlib
import io
import random
import textwrap

from PIL import Image, ImageDraw, ImageFont

_QUALITY = 85
_SHAPES = 9
_STRIPES = 14
_CAPTION_CHARACTERS = 60


def draw_picture(*, prompt: str, seed: int, weights: str, scale: float, size: tuple[int, int]) -> bytes:
    """A JPEG; the same arguments draw the same bytes. `weights` is the digest of the model's files."""
    image = _scene(random.Random(f"{prompt}\0{seed}"), size)
    if scale > 0:
        image = Image.blend(image, _model_look(image, random.Random(weights)), min(1.0, scale / 2))
    model = f"scale {scale:g}  model {weights[:6]}" if scale > 0 else "without the LoRA"
    _label(image, [*textwrap.wrap(prompt, _CAPTION_CHARACTERS)[:3], f"seed {seed}  {model}"])
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def black_picture(size: tuple[int, int]) -> bytes:
    """What fal.ai delivers in the place of a picture that its safety checker flagged."""
    out = io.BytesIO()
    Image.new("RGB", size).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def digest_of(*files: bytes) -> str:
    """What identifies a model by the content of its files of weights."""
    return hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in files)).hexdigest()


def _scene(chance: random.Random, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = Image.new("RGB", size, _colour(chance, 90, 200))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, int(height * chance.uniform(0.5, 0.8)), width, height), fill=_colour(chance, 40, 140))
    for _ in range(_SHAPES):
        x, y, radius = chance.uniform(0, width), chance.uniform(0, height), chance.uniform(0.03, 0.16) * width
        shape = pen.ellipse if chance.random() < 0.6 else pen.rectangle
        shape((x - radius, y - radius, x + radius, y + radius), fill=_colour(chance, 30, 255))
    return image


def _model_look(scene: Image.Image, chance: random.Random) -> Image.Image:
    """The scene as a model that knows one colour and one pattern would have it."""
    image = scene.copy()
    pen, (width, height), colour = ImageDraw.Draw(image), scene.size, _colour(chance, 60, 255)
    pen.ellipse((width * 0.36, height * 0.1, width * 0.64, height * 0.42), fill=colour)
    pen.polygon([(width * 0.5, height * 0.36), (width * 0.2, height), (width * 0.8, height)], fill=colour)
    stripe, step = _colour(chance, 0, 120), width / _STRIPES
    for number in range(_STRIPES):
        x = number * step + chance.uniform(0, step / 2)
        pen.line((x, 0, x + step, height), fill=stripe, width=max(1, width // 200))
    return image


def _label(image: Image.Image, lines: list[str]) -> None:
    size = max(10, image.width // 40)
    font = ImageFont.load_default(size)
    pen, top = ImageDraw.Draw(image), image.height - (len(lines) + 1) * size * 1.3
    pen.rectangle((0, top - size / 2, image.width, image.height), fill=(0, 0, 0))
    for number, line in enumerate(lines):
        pen.text((size, top + number * size * 1.3), line, fill=(255, 255, 255), font=font)


def _colour(chance: random.Random, low: int, high: int) -> tuple[int, int, int]:
    return chance.randint(low, high), chance.randint(low, high), chance.randint(low, high)
