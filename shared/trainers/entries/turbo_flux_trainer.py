"""fal-ai/turbo-flux-trainer."""

from __future__ import annotations

from shared.trainers.base_models import FLUX_1
from shared.trainers.entries.common_parameters import flag, learning_rate, steps
from shared.trainers.entry import Preset, Price, TrainerSpec
from shared.trainers.parameters import Kind, Parameter

ENTRY = TrainerSpec(
    endpoint="fal-ai/turbo-flux-trainer",
    version=1,
    title="FLUX.1, turbo",
    summary="The fastest one, for subjects and styles.",
    source=("fal.md §3", "https://fal.ai/models/fal-ai/turbo-flux-trainer/llms.txt"),
    base_model=FLUX_1,
    data_field="images_data_url",
    trigger_field="trigger_phrase",
    replaces_placeholder=True,
    minimum_images=10,
    price=Price(usd=2.4, per=1000, parameter="steps", at="2026-11-01"),
    parameters=(
        steps(default=1000, minimum=1, maximum=10_000),
        learning_rate(default=1.15e-3),
        Parameter(
            name="training_style",
            kind=Kind.TEXT,
            title="What to learn",
            help="A subject, such as a person or a costume, or the style of the pictures.",
            default="subject",
            choices=("subject", "style"),
        ),
        flag("face_crop", "Crop to the face", "Cuts every picture down to the face where one is found.", default=True),
    ),
    presets={
        Preset.PERSON: {"training_style": "subject", "face_crop": True},
        Preset.COSTUME: {"training_style": "subject", "face_crop": False},
        Preset.STYLE: {"training_style": "style", "face_crop": False},
    },
)
