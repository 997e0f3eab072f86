"""fal-ai/qwen-image-2512-trainer. What it costs is told differently by those who tell it, so it is not known here."""

from __future__ import annotations

from shared.trainers.base_models import QWEN_IMAGE_2512
from shared.trainers.entries.common_parameters import default_caption, learning_rate, steps
from shared.trainers.entry import Preset, TrainerSpec

ENTRY = TrainerSpec(
    endpoint="fal-ai/qwen-image-2512-trainer",
    version=1,
    title="Qwen-Image 2512",
    summary="Follows long descriptions closely and writes text well.",
    source=("fal.md §3", "fal-js QwenImage2512TrainerInput"),
    base_model=QWEN_IMAGE_2512,
    data_field="image_data_url",
    trigger_field=None,
    default_caption="default_caption",
    minimum_images=4,
    price=None,
    parameters=(
        steps(default=1000, minimum=100, maximum=30_000, step=100),
        learning_rate(default=5e-4),
        default_caption(),
    ),
    presets={Preset.PERSON: {}, Preset.COSTUME: {}, Preset.STYLE: {}},
)
