"""fal.ai's trainers: the registry, one entry per trainer as pure data, and what is read from it.

entries/        one module per trainer: add yours here, and its line in registry.py (docs/trainers.md)
base_models.py  what LoRAs are made for, and which endpoint makes pictures with them
entry.py        what an entry consists of; parameters.py what a parameter consists of
checking.py     whether given parameters fit, and what to say where they do not
presets.py      person, costume, style in words
schema.py       an entry's parameters as JSON Schema: forms and options are made from it
"""

from __future__ import annotations

from shared.trainers.checking import checked
from shared.trainers.entries.flux_lora_fast_training import PREPROCESSED
from shared.trainers.entry import Preset, TrainerSpec
from shared.trainers.registry import DEFAULT_TRAINER, TRAINERS, trainer

__all__ = ["DEFAULT_TRAINER", "PREPROCESSED", "TRAINERS", "Preset", "TrainerSpec", "checked", "trainer"]
