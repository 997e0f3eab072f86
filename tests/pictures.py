"""Real pictures for tests: small files, each seed with a look of its own."""

from __future__ import annotations

import io
import random
from typing import Any

from PIL import Image

from shared.ports import ObjectInfo
from shared.shoots import Picture, preprocessed_prefix
from tests.builders import AT

LARGE_ENOUGH = (600, 600)


def an_image(seed: int = 0, size: tuple[int, int] = LARGE_ENOUGH) -> Image.Image:
    """A soft pattern that no other seed has."""
    grey = random.Random(seed).randbytes(36)
    return Image.frombytes("L", (6, 6), grey).convert("RGB").resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The image as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def a_jpeg(seed: int = 0, size: tuple[int, int] = LARGE_ENOUGH, **options: Any) -> bytes:
    """A JPEG file."""
    return encoded(an_image(seed, size), "JPEG", **options)


def animated(kind: str) -> bytes:
    """A file of two pictures that follow each other."""
    return encoded(an_image(1, (32, 32)), kind, save_all=True, append_images=[an_image(2, (32, 32))])


def a_listed_picture(name: str, *, size: int = 1000, caption_size: int | None = None, crc32c: str = "AA==") -> Picture:
    """A picture as a listing shows it, with a caption of that size where one is given."""
    stem = name.rpartition(".")[0]
    caption = None if caption_size is None else _listed(f"{stem}.txt", caption_size, crc32c)
    return Picture(stem=stem, image=_listed(name, size, crc32c), caption=caption)


def _listed(name: str, size: int, crc32c: str) -> ObjectInfo:
    return ObjectInfo(name=f"{preprocessed_prefix('s_1')}{name}", size=size, crc32c=crc32c, updated_at=AT)
