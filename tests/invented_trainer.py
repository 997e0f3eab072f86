"""A trainer that fal.ai does not have, as unlike the others as an entry can be: one entry has to be all it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.trainers import TRAINERS, Preset, TrainerSpec
from shared.trainers.entry import BaseModel, Price, WeightsOutput
from shared.trainers.parameters import Kind, Parameter

GLITTER = TrainerSpec(
    endpoint="acme/glitter-trainer",
    version=3,
    title="Glitter",
    summary="Makes everything sparkle.",
    source=("nowhere",),
    base_model=BaseModel(id="glitter-1", title="Glitter One"),
    data_field="album_url",
    trigger_field="magic_word",
    trigger_required=True,
    resume_field="continue_from",
    minimum_images=2,
    price=Price(usd=0.5, per=10, parameter="rounds", at="2026-11-02", at_least=20),
    parameters=(
        Parameter(
            name="rounds",
            kind=Kind.INTEGER,
            title="Rounds",
            help="How often the pictures are looked at.",
            default=40,
            minimum=10,
            maximum=200,
            step=10,
            advanced=False,
            usual_maximum=100,
        ),
        Parameter(
            name="sparkle",
            kind=Kind.NUMBER,
            title="Sparkle",
            help="How much it glitters.",
            default=0.5,
            minimum=0,
            maximum=1,
        ),
        Parameter(
            name="mood",
            kind=Kind.TEXT,
            title="Mood",
            help="What it feels like.",
            default="merry",
            choices=("merry", "solemn"),
        ),
    ),
    presets={Preset.STYLE: {"sparkle": 1.0, "mood": "solemn"}},
    weights=(WeightsOutput(output="glitter_lora", part="fine"), WeightsOutput(output="coarse_lora", part="coarse")),
    config_field="recipe_file",
)


@contextmanager
def with_glitter() -> Iterator[TrainerSpec]:
    """The registry with one more entry while the block runs."""
    TRAINERS[GLITTER.endpoint] = GLITTER
    try:
        yield GLITTER
    finally:
        del TRAINERS[GLITTER.endpoint]
