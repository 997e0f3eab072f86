"""fal-ai/flux-lora-portrait-trainer."""

from __future__ import annotations

from shared.trainers.base_models import FLUX_1
from shared.trainers.entries.common_parameters import flag, learning_rate, steps
from shared.trainers.entry import Preset, Price, TrainerSpec

ENTRY = TrainerSpec(
    endpoint="fal-ai/flux-lora-portrait-trainer",
    version=1,
    title="FLUX.1, portraits",
    summary="For faces: bright, detailed portraits that follow the prompt. It can continue an earlier model.",
    source=("fal.md §3", "https://fal.ai/models/fal-ai/flux-lora-portrait-trainer/api"),
    base_model=FLUX_1,
    data_field="images_data_url",
    trigger_field="trigger_phrase",
    fal_only=("data_archive_format",),
    resume_field="resume_from_checkpoint",
    replaces_placeholder=True,
    minimum_images=10,
    price=Price(usd=2.4, per=1000, parameter="steps", at="2026-11-01"),
    parameters=(
        steps(default=2500, minimum=1, maximum=10_000),
        learning_rate(default=9e-5, minimum=1e-6, maximum=1e-3),
        flag(
            "multiresolution_training",
            "Several sizes",
            "Trains on the pictures in several sizes, so that close-ups and whole figures both come out well.",
            default=True,
        ),
        flag("subject_crop", "Crop to the subject", "Cuts every picture down to the person in it.", default=True),
        flag(
            "create_masks",
            "Look at the subject",
            "Finds the subject in every picture and pays more attention to it.",
            default=False,
        ),
    ),
    masks="create_masks",
    presets={
        Preset.PERSON: {"subject_crop": True, "create_masks": True},
        Preset.COSTUME: {"subject_crop": False, "create_masks": False},
    },
)
