"""fal-ai/flux-lora-fast-training: the default."""

from __future__ import annotations

from shared.trainers.base_models import FLUX_1
from shared.trainers.entries.common_parameters import flag, steps
from shared.trainers.entry import Preset, Price, TrainerSpec
from shared.trainers.parameters import Kind, Parameter

PREPROCESSED = "is_input_format_already_preprocessed"

ENTRY = TrainerSpec(
    endpoint="fal-ai/flux-lora-fast-training",
    version=1,
    title="FLUX.1, fast",
    summary="Quick and cheap, for persons, costumes and styles alike. A good first choice.",
    source=("fal.md §3", "https://fal.ai/models/fal-ai/flux-lora-fast-training"),
    base_model=FLUX_1,
    data_field="images_data_url",
    trigger_field="trigger_word",
    fal_only=("data_archive_format",),
    minimum_images=4,
    price=Price(usd=2.0, per=1000, parameter="steps", at="2026-11-01"),
    parameters=(
        steps(default=1000, minimum=1, maximum=10_000),
        flag(
            "create_masks",
            "Look at the subject",
            "Finds the subject in every picture, a face where there is one, and pays more attention to it.",
            default=True,
        ),
        flag("is_style", "Learn a style", "Learns how the pictures look instead of what they show.", default=False),
        Parameter(
            name=PREPROCESSED,
            kind=Kind.BOOLEAN,
            title="Already preprocessed",
            help="The pictures have been preprocessed, as those of the shoots have. Switch it off to let fal.ai do it.",
            default=True,
            fal_default=False,
            advanced=False,
        ),
    ),
    masks="create_masks",
    other_outputs=("debug_preprocessed_output",),
    presets={
        Preset.PERSON: {"create_masks": True, "is_style": False},
        Preset.COSTUME: {"create_masks": False, "is_style": False},
        Preset.STYLE: {"create_masks": False, "is_style": True},
    },
)
