"""fal-ai/wan-22-image-trainer: two files of weights, one for each half of the way from noise to picture."""

from __future__ import annotations

from shared.trainers.base_models import WAN_2_2
from shared.trainers.entries.common_parameters import flag, learning_rate, steps
from shared.trainers.entry import Preset, Price, TrainerSpec, WeightsOutput

ENTRY = TrainerSpec(
    endpoint="fal-ai/wan-22-image-trainer",
    version=2,
    title="Wan 2.2",
    summary="Very detailed subjects and styles. Its models have two files of weights, which are used together.",
    source=("fal.md §3", "https://fal.ai/models/fal-ai/wan-22-image-trainer/llms.txt", "fal-js Wan22ImageTrainerInput"),
    base_model=WAN_2_2,
    data_field="training_data_url",
    trigger_field="trigger_phrase",
    trigger_required=True,
    minimum_images=4,
    price=Price(usd=4.5, per=1000, parameter="steps", at="2026-11-01", at_least=100),
    parameters=(
        steps(default=1000, minimum=10, maximum=6000),
        learning_rate(default=7e-4),
        flag(
            "use_face_detection",
            "Centre on the face",
            "Puts the face into the middle where a picture has to be cut.",
            default=True,
        ),
        flag("use_face_cropping", "Crop to the face", "Cuts every picture down to the face.", default=False),
        flag("use_masks", "Look at the subject", "Pays more attention to the subject of each picture.", default=True),
        flag(
            "include_synthetic_captions",
            "Add captions by machine",
            "fal.ai describes the pictures itself, in addition to your captions.",
            default=False,
        ),
        flag("is_style", "Learn a style", "Learns how the pictures look instead of what they show.", default=False),
    ),
    masks="use_masks",
    presets={
        Preset.PERSON: {"use_face_detection": True, "use_masks": True, "is_style": False},
        Preset.COSTUME: {"use_face_detection": False, "use_masks": False, "is_style": False},
        Preset.STYLE: {"use_face_detection": False, "use_masks": False, "is_style": True},
    },
    weights=(
        WeightsOutput(output="diffusers_lora_file", part="low-noise", in_loras={"transformer": "low"}),
        WeightsOutput(output="high_noise_lora", part="high-noise", in_loras={"transformer": "high"}),
    ),
)
