"""What the runs of a schedule make: weights and pictures unlike those of any other run."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from shared.images import without_metadata
from tests.fakes import lora_weights, small_jpeg

CONFIG = b'{"steps": 10}'
PICTURE_SIDE = 16


def weights_of(request_id: str) -> bytes:
    """The weights of a training's run."""
    return lora_weights(seed=int(request_id[1:]))


@lru_cache(maxsize=1024)
def picture_of(request_id: str, number: int) -> bytes:
    """One picture of a run, as fal.ai serves it."""
    return small_jpeg(int(request_id[1:]) * 4 + number, size=PICTURE_SIDE)


@lru_cache(maxsize=1024)
def picture_digest(request_id: str, number: int) -> str:
    """The sha256 of the same picture as we keep it."""
    return sha256(without_metadata(picture_of(request_id, number), "a.jpg", max_pixels=PICTURE_SIDE**2)).hexdigest()
