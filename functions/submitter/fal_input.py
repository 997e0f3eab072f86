"""What fal.ai is sent for a job of either kind, and what of it is kept. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.all_jobs import AnyJob
from shared.datasets import with_trigger
from shared.events import DatasetPackaged, ImagesPrepared
from shared.image_jobs import ImageJob, pictures_of
from shared.trainers import TrainerSpec
from shared.trainers import trainer as spec_of
from shared.training_records import SentInput
from shared.trainings import Training

NOT_KEPT = "(a signed URL, not kept)"


def links_of(event: DatasetPackaged | ImagesPrepared) -> tuple[str, ...]:
    """The signed URLs that the job's input may have in it: the archive's and the parent's, or those of the weights."""
    if isinstance(event, ImagesPrepared):
        return tuple(event.weights_urls)
    return (event.archive_url,) if event.parent_url is None else (event.archive_url, event.parent_url)


def fields_of(job: AnyJob, links: Sequence[str]) -> dict[str, Any]:
    """The bare model input with these signed URLs, as `links_of` gives them."""
    if isinstance(job, ImageJob):
        return pictures_input(job, links)
    archive_url, *parent_urls = links
    parent_url = parent_urls[0] if job.continues and parent_urls else None
    return input_of(job, spec_of(job.trainer), archive_url, parent_url)


def input_of(training: Training, spec: TrainerSpec, archive_url: str, parent_url: str | None = None) -> dict[str, Any]:
    """The input of a training; `parent_url` is that of the weights to continue from.

    A trainer without a field for the trigger word finds it in the captions; so pictures without one, for which it has
    a default caption, find it there.
    """
    fields: dict[str, Any] = {spec.data_field: archive_url, **training.parameters}
    if spec.trigger_field:
        fields[spec.trigger_field] = training.trigger_word
    if spec.default_caption:
        fields[spec.default_caption] = with_trigger(str(fields[spec.default_caption]), training.trigger_word)
    if spec.resume_field and parent_url is not None:
        fields[spec.resume_field] = parent_url
    return fields


def pictures_input(job: ImageJob, weights_urls: Sequence[str]) -> dict[str, Any]:
    """The input of a set of pictures: every file of weights at the same scale (fal.md §4).

    The LoRA is there at scale 0, too: its URL has the nonce in it, by which the request is found again.
    """
    pictures = pictures_of(job.trainer)
    loras = [
        {pictures.path_field: url, pictures.scale_field: job.scale, **output.in_loras}
        for url, output in zip(weights_urls, spec_of(job.trainer).weights, strict=True)
    ]
    fields: dict[str, Any] = {
        "prompt": job.prompt,
        pictures.loras_field: loras,
        "image_size": job.size,
        "seed": job.seed,
        **dict.fromkeys(pictures.safety_fields, True),
    }
    return fields if pictures.one_image else {**fields, "num_images": job.count}


def kept_input(job: AnyJob) -> SentInput:
    """The input as it is kept with the job: exactly what is sent, but for what are signed URLs."""
    spec = spec_of(job.trainer)
    count = len(spec.weights) if isinstance(job, ImageJob) else 1 + job.continues
    links = [NOT_KEPT] * count
    return SentInput(endpoint=job.endpoint, trainer_version=spec.version, fields=fields_of(job, links))
