"""Domain values for tests: whole and plausible, with only what the test is about said by the test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from shared.errors import ArtifactCorrupt, ProductError, TrainingFailed
from shared.image_jobs import ImageJob, KeptPicture
from shared.jobs import Job
from shared.models import Model, Weights, model_id, version_prefix
from shared.shoots import Shoot
from shared.stages import Status
from shared.trainers import DEFAULT_TRAINER
from shared.training_records import Claim, Dataset, FalJob, SentInput
from shared.trainings import Training

J = TypeVar("J", bound=Job)

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
STEP = timedelta(minutes=1)
NONCE = "nonce-1"

_FIELDS = {"images_data_url": "(a signed URL, not kept)", "trigger_word": "TOK", "steps": 1000, "is_style": False}

_ROAD = (
    Status.REQUESTED,
    Status.PACKAGED,
    Status.SUBMITTING,
    Status.SUBMITTED,
    Status.RUNNING,
    Status.MIRRORING,
    Status.SUCCEEDED,
)


def a_shoot(**changes: Any) -> Shoot:
    """A shoot with `changes`."""
    shoot = Shoot(id="s_1", owner_id="owner-1", person_id="person-1", costume_name="Red Riding Hood", created_at=AT)
    return replace(shoot, **changes)


def a_training(*, status: Status = Status.REQUESTED, ended_in: Status = Status.REQUESTED, **changes: Any) -> Training:
    """A training that really went the way to `status`, a minute per step, with `changes` made at the end.

    One that failed or was canceled was in the status `ended_in` before.
    """
    created_at = changes.get("created_at", AT)
    training = Training.requested(
        at=created_at,
        id=changes.pop("id", "t_1"),
        shoot_id="s_1",
        owner_id="owner-1",
        person_id="person-1",
        model_name="red-riding-hood",
        trigger_word="TOK",
        trainer=DEFAULT_TRAINER,
        parameters={"steps": 1000, "is_style": False},
    )
    last = status if status in _ROAD else ended_in
    for step in _ROAD[1 : _ROAD.index(last) + 1]:
        training = training.advance(step, at=training.updated_at + STEP, **_arrival(step, training))
    return replace(_ended(training, status), **changes)


def a_model(**changes: Any) -> Model:
    """The model of the training `a_training`, with `changes`."""
    training = a_training(status=Status.SUCCEEDED)
    prefix = f"gs://models/{version_prefix(training.person_id, training.model_name, 1)}"
    model = Model(
        id=model_id(training.id),
        person_id=training.person_id,
        owner_id=training.owner_id,
        shoot_id=training.shoot_id,
        training_id=training.id,
        name=training.model_name,
        version=1,
        trainer=training.trainer,
        trigger_word=training.trigger_word,
        lora_uri=f"{prefix}weights.safetensors",
        config_uri=f"{prefix}config.json",
        size=89_745_224,
        sha256="ab" * 32,
        crc32c="yZRlqg==",
        weights=Weights(tensors=608, rank=16, dtype="BF16", format="pt"),
        dataset_fingerprint="cd" * 32,
        parameters=training.parameters,
        trained_at=training.updated_at,
    )
    return replace(model, **changes)


def an_image_job(*, status: Status = Status.REQUESTED, ended_in: Status = Status.REQUESTED, **changes: Any) -> ImageJob:
    """Pictures made with `a_model`, which really went the way to `status`, a minute per step; as for `a_training`."""
    model = a_model()
    job = ImageJob.requested(
        at=changes.get("created_at", AT),
        id=changes.pop("id", "i_1"),
        owner_id=model.owner_id,
        person_id=model.person_id,
        model_id=model.id,
        model_name=model.name,
        version=model.version,
        trigger_word=model.trigger_word,
        trainer=model.trainer,
        prompt="TOK, in the rain",
        count=1,
        size="square",
        seed=7,
        scale=1.0,
    )
    last = status if status in _ROAD else ended_in
    for step in _ROAD[1 : _ROAD.index(last) + 1]:
        job = job.advance(step, at=job.updated_at + STEP, **_image_arrival(step, job))
    return replace(_ended(job, status), **changes)


def _image_arrival(status: Status, job: ImageJob) -> dict[str, Any]:
    """What is recorded on arriving in `status`."""
    if status is Status.PACKAGED:
        return {"nonce": NONCE}
    if status is Status.SUCCEEDED:
        picture = KeptPicture(
            name=f"{job.prefix}1.jpg", width=512, height=512, size=4, sha256="ab" * 32, crc32c="yZRlqg==", nsfw=False
        )
        return {"pictures": (picture,), "cost_usd": 0.035}
    if status is Status.MIRRORING:
        return {"delivered": {"seed": 7}}
    return _arrival(status, job)


def _arrival(status: Status, training: Job) -> dict[str, Any]:
    """What is recorded on arriving in `status`."""
    at = training.updated_at + STEP
    if status is Status.PACKAGED:
        return {"dataset": _dataset(training.id)}
    if status is Status.SUBMITTING:
        claim = Claim(owner="submitter-1", nonce=NONCE, lease_until=at + 3 * STEP)
        return {"claim": claim, "sent": SentInput(endpoint=training.endpoint, trainer_version=1, fields=_FIELDS)}
    if status is Status.SUBMITTED:
        return {"fal": _job(training, at)}
    if status is Status.MIRRORING:
        return {"delivered": {"diffusers_lora_file": {"host": "v3.fal.media", "file_size": 89_745_224}, "seed": None}}
    return {"model_id": model_id(training.id)} if status is Status.SUCCEEDED else {}


def _ended(training: J, status: Status) -> J:
    at = training.updated_at + STEP
    if status is Status.FAILED:
        corrupt = training.status is Status.MIRRORING
        error: ProductError = ArtifactCorrupt(reason="cut off") if corrupt else TrainingFailed(reason="no face")
        return training.fail(error, at=at, charged=training.charged)
    return training.advance(status, at=at)


def _dataset(training_id: str) -> Dataset:
    return Dataset(
        archive=f"trainings/{training_id}/{NONCE}.zip",
        nonce=NONCE,
        image_count=12,
        caption_count=12,
        bytes=12_000_000,
        sha256="ef" * 32,
        fingerprint="cd" * 32,
    )


def _job(training: Job, at: datetime) -> FalJob:
    base = f"https://queue.fal.run/{training.endpoint}/requests/r-1"
    return FalJob(
        request_id="r-1",
        nonce=NONCE,
        endpoint=training.endpoint,
        status_url=f"{base}/status",
        response_url=base,
        cancel_url=f"{base}/cancel",
        submitted_at=at,
    )
