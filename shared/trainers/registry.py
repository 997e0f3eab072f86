"""Every trainer that can be chosen. A new one is one entry: its module in `entries/`, and its line here. Pure."""

from __future__ import annotations

import difflib

from shared.errors import InvalidRequest
from shared.trainers.entries import (
    flux_2_trainer,
    flux_lora_fast_training,
    flux_lora_portrait_trainer,
    qwen_image_2512_trainer,
    turbo_flux_trainer,
    wan_22_image_trainer,
    z_image_trainer,
)
from shared.trainers.entry import PREFIX, TrainerSpec

DEFAULT_TRAINER = flux_lora_fast_training.ENTRY.endpoint

# The default first, then in the order in which they are offered.
TRAINERS: dict[str, TrainerSpec] = {
    entry.endpoint: entry
    for entry in (
        flux_lora_fast_training.ENTRY,
        flux_lora_portrait_trainer.ENTRY,
        turbo_flux_trainer.ENTRY,
        flux_2_trainer.ENTRY,
        qwen_image_2512_trainer.ENTRY,
        z_image_trainer.ENTRY,
        wan_22_image_trainer.ENTRY,
    )
}


def trainer(name: str) -> TrainerSpec:
    """The trainer of that endpoint, with or without `fal-ai/`; `InvalidRequest` with the names that there are."""
    found = TRAINERS.get(name) or TRAINERS.get(f"{PREFIX}{name}")
    if found is None:
        raise InvalidRequest(reason=f"there is no trainer {name[:80]}; {_meant(name.removeprefix(PREFIX))}")
    return found


def _meant(name: str) -> str:
    names = [spec.name for spec in TRAINERS.values()]
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}?" if near else f"there is {', '.join(names)}"
