"""The trainers of fal.md §3: inputs as pydantic models, whose errors are fal.ai's own 422s, and prices."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

Steps = Annotated[int, Field(ge=1, le=10_000)]
LearningRate = Annotated[float, Field(ge=1e-6, le=1e-3)]


class FluxLoraFastTraining(BaseModel):
    """Input of fal-ai/flux-lora-fast-training."""

    images_data_url: str
    trigger_word: str | None = None
    steps: Steps = 1000
    create_masks: bool = True
    is_style: bool = False
    is_input_format_already_preprocessed: bool = False
    data_archive_format: str | None = None


class FluxLoraPortraitTrainer(BaseModel):
    """Input of fal-ai/flux-lora-portrait-trainer."""

    images_data_url: str
    trigger_phrase: str | None = None
    steps: Steps = 2500
    learning_rate: LearningRate = 9e-5
    multiresolution_training: bool = True
    subject_crop: bool = True
    create_masks: bool = False
    resume_from_checkpoint: str = ""
    data_archive_format: str | None = None


class TurboFluxTrainer(BaseModel):
    """Input of fal-ai/turbo-flux-trainer."""

    images_data_url: str
    trigger_phrase: str = "ohwx"
    steps: Steps = 1000
    learning_rate: float = 1.15e-3
    training_style: Literal["subject", "style"] = "subject"
    face_crop: bool = True


class Flux2Trainer(BaseModel):
    """Input of fal-ai/flux-2-trainer and its v2."""

    image_data_url: str
    steps: int = Field(1000, ge=100, le=10_000, multiple_of=100)
    learning_rate: float = 5e-5
    default_caption: str | None = None
    output_lora_format: Literal["fal", "comfy"] = "fal"


class QwenImageTrainer(BaseModel):
    """Input of fal-ai/qwen-image-2512-trainer."""

    image_data_url: str
    steps: int = Field(1000, ge=100, le=30_000, multiple_of=100)
    learning_rate: float = 5e-4
    default_caption: str | None = None


class ZImageTrainer(BaseModel):
    """Input of fal-ai/z-image-trainer."""

    image_data_url: str
    steps: int = Field(1000, ge=100, le=10_000, multiple_of=100)
    learning_rate: float = 1e-4
    default_caption: str | None = None
    training_type: Literal["content", "style", "balanced"] = "balanced"


class Wan22ImageTrainer(BaseModel):
    """Input of fal-ai/wan-22-image-trainer."""

    training_data_url: str
    trigger_phrase: str
    steps: int = Field(1000, ge=10, le=6000)
    learning_rate: float = 7e-4
    use_face_detection: bool = True
    use_masks: bool = True
    is_style: bool = False


@dataclass(frozen=True)
class Order:
    """An input as the trainer understands it: defaults filled in, unknown fields gone (fal.md §3)."""

    data_url: str
    trigger: str | None
    steps: int
    parameters: dict[str, Any]

    @property
    def captions_required(self) -> bool:
        """Whether a picture without a caption fails: where a default caption exists but was not given."""
        return "default_caption" in self.parameters and self.parameters["default_caption"] is None

    @property
    def archive_format_unknown(self) -> bool:
        """Whether the archive's format is neither given nor to be read off the URL's path."""
        path = self.data_url.partition("?")[0]
        return not self.parameters.get("data_archive_format") and not path.lower().endswith(".zip")


@dataclass(frozen=True)
class Trainer:
    """One row of fal.md §3; `price_per_step` in USD, for qwen-image-2512-trainer a made-up one."""

    endpoint: str
    input_model: type[BaseModel]
    price_per_step: float
    data_field: str = "images_data_url"
    trigger_field: str | None = "trigger_phrase"
    min_pictures: int = 4
    lora_files: tuple[str, ...] = ("diffusers_lora_file",)

    def read(self, given: dict[str, Any]) -> Order:
        """Validate an input; raises pydantic.ValidationError, unknown fields are silently ignored."""
        parameters = self.input_model.model_validate(given).model_dump()
        trigger = parameters.get(self.trigger_field) if self.trigger_field else None
        return Order(parameters[self.data_field], trigger, parameters["steps"], parameters)


_FLUX_2 = {
    "price_per_step": 0.0064,
    "data_field": "image_data_url",
    "trigger_field": None,
    "min_pictures": 10,
}
_TRAINERS = (
    Trainer("fal-ai/flux-lora-fast-training", FluxLoraFastTraining, 0.002, trigger_field="trigger_word"),
    Trainer("fal-ai/flux-lora-portrait-trainer", FluxLoraPortraitTrainer, 0.0024, min_pictures=10),
    Trainer("fal-ai/turbo-flux-trainer", TurboFluxTrainer, 0.0024, min_pictures=10),
    Trainer("fal-ai/flux-2-trainer", Flux2Trainer, **_FLUX_2),  # type: ignore[arg-type]
    Trainer("fal-ai/flux-2-trainer-v2", Flux2Trainer, **_FLUX_2),  # type: ignore[arg-type]
    Trainer("fal-ai/qwen-image-2512-trainer", QwenImageTrainer, 0.002, "image_data_url", None),
    Trainer("fal-ai/z-image-trainer", ZImageTrainer, 0.00226, "image_data_url", None),
    Trainer(
        "fal-ai/wan-22-image-trainer",
        Wan22ImageTrainer,
        0.0045,
        "training_data_url",
        lora_files=("diffusers_lora_file", "high_noise_lora"),
    ),
)
TRAINERS = {trainer.endpoint: trainer for trainer in _TRAINERS}


def details_of(error: ValidationError) -> list[dict[str, Any]]:
    """A schema error as fal.ai words it: `[{loc, msg, type, url, input, ctx?}]` (fal.md §1, Errors)."""
    found = error.errors(include_url=True)
    return [{**item, "loc": ["body", *item["loc"]]} for item in found]
