"""fal-ai/flux-2-trainer."""

from __future__ import annotations

from shared.trainers.base_models import FLUX_2
from shared.trainers.entries.common_parameters import default_caption, learning_rate, steps
from shared.trainers.entry import Preset, Price, TrainerSpec
from shared.trainers.parameters import Kind, Parameter

ENTRY = TrainerSpec(
    endpoint="fal-ai/flux-2-trainer",
    version=1,
    title="FLUX.2",
    summary="The newer FLUX: more realistic, better with text in pictures, and dearer.",
    source=("fal.md §3", "https://fal.ai/models/fal-ai/flux-2-trainer/llms.txt"),
    base_model=FLUX_2,
    data_field="image_data_url",
    trigger_field=None,
    default_caption="default_caption",
    minimum_images=10,
    price=Price(usd=6.4, per=1000, parameter="steps", at="2026-11-01"),
    parameters=(
        steps(default=1000, minimum=100, maximum=10_000, step=100),
        learning_rate(default=5e-5),
        default_caption(),
        Parameter(
            name="output_lora_format",
            kind=Kind.TEXT,
            title="Names in the weights",
            help="`fal` is for making pictures at fal.ai, `comfy` for ComfyUI.",
            default="fal",
            choices=("fal", "comfy"),
        ),
    ),
    presets={Preset.PERSON: {}, Preset.COSTUME: {}, Preset.STYLE: {}},
)
