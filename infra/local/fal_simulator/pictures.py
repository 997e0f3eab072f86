"""The endpoints that make pictures with a LoRA (fal.md §4), as the registry has them: input, files and price."""

import json
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from infra.local.fal_simulator.drawing import black_picture, digest_of, draw_picture
from shared.trainers import TRAINERS
from shared.trainers.entry import MAX_PICTURES, MEGAPIXEL, PICTURE_SIZES, Pictures

# Where nobody tells the price, something is billed all the same.
MADE_UP_USD_PER_MEGAPIXEL = 0.02

Fetch = Callable[[str, Path], Awaitable[None]]


class NoLora(Exception):
    """What was fetched is no file of weights; the message says why."""


@dataclass(frozen=True)
class PictureOrder:
    """An input as the endpoint understands it: `loras` are (URL, scale), `size` is in pixels."""

    prompt: str
    loras: tuple[tuple[str, float], ...]
    size: tuple[int, int]
    seed: int
    count: int

    @property
    def megapixels(self) -> int:
        """What is billed."""
        return math.ceil(self.size[0] * self.size[1] / MEGAPIXEL) * self.count


def pictures_at(endpoint: str) -> Pictures | None:
    """How pictures are made at that endpoint; None where it makes none."""
    known = (spec.base_model.pictures for spec in TRAINERS.values())
    return next((pictures for pictures in known if pictures and pictures.endpoint == endpoint), None)


def read_picture_order(pictures: Pictures, given: dict[str, Any]) -> PictureOrder:
    """Validate an input; raises pydantic.ValidationError, unknown fields are silently ignored."""
    read = _input_model(pictures).model_validate(given).model_dump()
    loras = tuple(
        (lora[pictures.path_field], lora[pictures.scale_field] if lora[pictures.scale_field] is not None else 1.0)
        for lora in read[pictures.loras_field]
    )
    count = 1 if pictures.one_image else read["num_images"]
    seed = 42 if read["seed"] is None else read["seed"]
    return PictureOrder(read["prompt"], loras, PICTURE_SIZES[read["image_size"]], seed, count)


def _input_model(pictures: Pictures) -> type[BaseModel]:
    ignoring = ConfigDict(extra="ignore")
    scale: Any = (Annotated[float | None, Field(ge=0, le=pictures.max_scale)], 1.0)
    path: Any = (str, ...)
    lora = create_model("LoraWeight", __config__=ignoring, **{pictures.path_field: path, pictures.scale_field: scale})
    several: Any = (Annotated[list[lora], Field(max_length=pictures.max_loras)], [])
    fields: dict[str, Any] = {
        "prompt": (str, ...),
        "image_size": (Literal[tuple(PICTURE_SIZES)], "landscape_4_3"),
        "seed": (int | None, None),
        "num_images": (Annotated[int, Field(ge=1, le=MAX_PICTURES)], 1),
        pictures.loras_field: several,
    }
    return create_model(pictures.endpoint, __config__=ignoring, **fields)


def unit_price_of_pictures(pictures: Pictures) -> float:
    """US dollars for a megapixel; made up where the registry has no price."""
    return pictures.price.usd if pictures.price else MADE_UP_USD_PER_MEGAPIXEL


async def draw_order(order: PictureOrder, fetch: Fetch, folder: Path, *, flagged: tuple[bool, ...]) -> list[bytes]:
    """The pictures of an order. Really fetches every LoRA, as fal.ai does; raises `NoLora`, and what `fetch` raises."""
    files = []
    for number, (url, _) in enumerate(order.loras):
        path = folder / f"lora-{time.monotonic_ns()}-{number}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            await fetch(url, path)
            files.append(_weights(path))
        finally:
            path.unlink(missing_ok=True)
    scale = max((scale for _, scale in order.loras), default=0.0)
    return [
        black_picture(order.size)
        if flagged[number : number + 1] == (True,)
        else draw_picture(
            prompt=order.prompt,
            seed=order.seed + number,
            weights=digest_of(*files),
            scale=scale,
            size=order.size,
        )
        for number in range(order.count)
    ]


def _weights(path: Path) -> bytes:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + length]) if 0 < length < len(data) else None
    except ValueError:
        header = None
    if not isinstance(header, dict) or not any("lora" in name for name in header):
        raise NoLora("The file is no safetensors file with LoRA weights")
    return data
