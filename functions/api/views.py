"""What the API answers with: the public side of the domain values. Nothing internal (claims, nonces, signed URLs)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from shared.jobs import Job
from shared.models import Model
from shared.quotes import Quote
from shared.remedies import Remedy
from shared.stages import Stage, Status
from shared.trainers.entry import MAX_PICTURES
from shared.training_records import Dataset, Failure, Move, Progress, SentInput
from shared.trainings import Training

T = TypeVar("T")

Samples = Annotated[
    int | None,
    Field(
        ge=0,
        le=MAX_PICTURES,
        description="Pictures to make with the model by themselves, at their price; 0: none; null: as it is set up, "
        "and none where nobody knows before what they cost",
    ),
]


class View(BaseModel):
    """What all views share: made from attributes, frozen."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class PageView(View, Generic[T]):
    """Some items; `next_cursor` goes into `?cursor=` for the next page and is null on the last."""

    items: list[T]
    next_cursor: str | None = None


class DatasetView(View):
    """What was trained on."""

    image_count: int
    caption_count: int
    bytes: int
    sha256: str
    fingerprint: str


class FailureView(View):
    """What went wrong: `charged` is null where it is not known whether the run cost money."""

    code: str = Field(examples=["too_few_images"])
    message: str
    stage: Stage
    retryable: bool
    remedy: Remedy = Field(description="What helps: buttons and advice are made of it")
    charged: bool | None
    at: datetime


class QuoteView(View):
    """What the training was quoted when it was started."""

    price_usd: float | None = Field(description="Null where nobody tells the price before")
    unit_price_usd: float | None
    unit: str | None
    priced_at: str | None
    note: str
    samples: int = Field(description="How many pictures are made by themselves afterwards")
    samples_usd: float | None = Field(description="What they cost besides; null where nobody tells")
    total_usd: float | None = Field(description="All of it, which was set aside; null where a part is not known")


class SentInputView(View):
    """What fal.ai was sent, made from this version of the registry's entry; signed URLs are not kept."""

    endpoint: str
    trainer_version: int
    fields: dict[str, Any]


class TrainingView(View):
    """A training as its owner sees it; `stages` are seconds, `hindrance` explains a wait."""

    id: str
    shoot_id: str
    person_id: str
    model_name: str
    trigger_word: str
    trainer: str
    preset: str | None
    parameters: dict[str, Any]
    status: Status
    stage: Stage | None
    stages: dict[Stage, float]
    history: list[Move]
    progress: Progress | None
    dataset: DatasetView | None
    error: FailureView | None
    hindrance: FailureView | None
    recoverable: bool
    model_id: str | None
    samples: int = Field(description="How many pictures are made with the model by themselves")
    fal_request_id: str | None
    sent: SentInputView | None = Field(description="What fal.ai was asked with")
    delivered: dict[str, Any] | None = Field(description="What fal.ai answered; of files only host, name and size")
    log_count: int
    quote: QuoteView | None
    cost_usd: float | None = Field(description="What fal.ai billed, where it tells")
    predecessor_id: str | None
    parent_model_id: str | None = Field(description="The model that is trained again")
    continues: bool = Field(description="Whether it begins with that model's weights")
    without: list[str] = Field(description="Pictures that are left out, by their names without extensions")
    cancel_requested_at: datetime | None
    created_at: datetime
    updated_at: datetime


class WeightsFileView(View):
    """One file of a model's weights; `part` tells it apart where there are several, and is empty otherwise."""

    part: str = Field(examples=["high-noise"])
    uri: str
    size: int
    sha256: str
    crc32c: str
    weights: Any


class ModelView(View):
    """A kept model; `lora_uri`, `size`, checksums and `weights` are of the first of its `files`."""

    id: str
    person_id: str
    owner_id: str
    shoot_id: str
    training_id: str
    name: str
    version: int
    service: str
    trainer: str
    trigger_word: str
    lora_uri: str
    config_uri: str
    size: int
    sha256: str
    crc32c: str
    weights: Any
    files: list[WeightsFileView]
    dataset_fingerprint: str
    parameters: dict[str, Any]
    parent_model_id: str | None = Field(description="The model that was trained again")
    continues: bool = Field(description="Whether it began with that model's weights")
    promoted_at: datetime | None = Field(description="Of a name's versions, the one promoted last is the current one")
    trained_at: datetime
    title: str | None
    cost_usd: float | None


class DownloadFileView(View):
    """A file of a model under a signed URL."""

    url: str
    file_name: str
    part: str = ""
    size: int | None = None
    sha256: str | None = None


class DownloadView(View):
    """Where weights and configuration can be fetched until `expires_at`, by anybody who has the URLs.

    `files` are all the weights, `weights` the first of them.
    """

    weights: DownloadFileView
    files: list[DownloadFileView]
    config: DownloadFileView
    expires_at: datetime


def training_view(training: Training, now: datetime) -> TrainingView:
    """The training's public side at `now`."""
    return TrainingView.model_validate(
        {
            **{name: getattr(training, name) for name in TrainingView.model_fields if hasattr(training, name)},
            "parameters": dict(training.parameters),
            "without": list(training.without),
            "history": list(training.history),
            "stages": {stage: round(s, 3) for stage, s in training.stage_seconds(now).items()},
            "dataset": _view(DatasetView, training.dataset),
            "error": failure_view(training),
            "hindrance": _view(FailureView, training.hindrance),
            "quote": _view(QuoteView, training.quote),
            "sent": _view(SentInputView, training.sent),
            "delivered": dict(training.delivered) if training.delivered is not None else None,
            "recoverable": training.is_recoverable,
            "fal_request_id": training.fal.request_id if training.fal else None,
        }
    )


V = TypeVar("V", bound=View)


def _view(kind: type[V], value: Dataset | Failure | Quote | SentInput | None) -> V | None:
    return kind.model_validate(value) if value is not None else None


def failure_view(job: Job) -> FailureView | None:
    """Why the job failed or was canceled, with what helps then; None where it did neither."""
    if job.error is None:
        return None
    return FailureView.model_validate(job.error).model_copy(update={"remedy": job.remedy})


def model_view(model: Model) -> ModelView:
    """The model's public side."""
    return ModelView.model_validate(model)
