"""fal-ai/z-image-trainer."""

from __future__ import annotations

from shared.trainers.base_models import Z_IMAGE_TURBO
from shared.trainers.entries.common_parameters import default_caption, learning_rate, steps
from shared.trainers.entry import Preset, Price, TrainerSpec
from shared.trainers.parameters import Kind, Parameter

ENTRY = TrainerSpec(
    endpoint="fal-ai/z-image-trainer",
    version=1,
    title="Z-Image Turbo",
    summary="A small model that makes its pictures very fast.",
    source=("fal.md §3", "https://fal.ai/models/fal-ai/z-image-trainer/llms.txt"),
    base_model=Z_IMAGE_TURBO,
    data_field="image_data_url",
    trigger_field=None,
    default_caption="default_caption",
    minimum_images=10,
    price=Price(usd=2.26, per=1000, parameter="steps", at="2026-11-01"),
    parameters=(
        steps(default=1000, minimum=100, maximum=10_000, step=100),
        learning_rate(default=1e-4),
        default_caption(),
        Parameter(
            name="training_type",
            kind=Kind.TEXT,
            title="What to learn",
            help="What the pictures show (`content`), how they look (`style`), or both (`balanced`).",
            default="balanced",
            choices=("content", "style", "balanced"),
        ),
    ),
    presets={
        Preset.PERSON: {"training_type": "content"},
        Preset.COSTUME: {"training_type": "balanced"},
        Preset.STYLE: {"training_type": "style"},
    },
)
