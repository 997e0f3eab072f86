"""The packager's use case: from a requested training to an archive that fal.ai can fetch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from zipfile import BadZipFile, LargeZipFile

from functions.packager.archive import zip_stream
from functions.packager.dataset import checked_files
from functions.packager.parent_weights import parent_weights
from functions.packager.proofs import proven_whole
from shared import logs
from shared.datasets import chosen, listing_errors, raise_first, with_captions
from shared.errors import ArchiveFailed, DatasetChanged
from shared.events import DatasetPackaged, TrainingRequested
from shared.fingerprints import fingerprint
from shared.finishing import archive_name
from shared.hashing import Sha256Beside
from shared.manifests import manifest_name, manifest_of, to_bytes
from shared.ports import Clock, ModelRepository, Objects, Publisher, TrainingRepository
from shared.settings import DatasetSettings
from shared.shoots import pictures, preprocessed_prefix
from shared.stages import Status
from shared.trainers import trainer
from shared.training_records import Dataset
from shared.trainings import Training


def package_dataset(
    event: TrainingRequested,
    *,
    trainings: TrainingRepository,
    models: ModelRepository,
    shoots: Objects,
    thumbnails: Objects,
    datasets: Objects,
    kept: Objects,
    publisher: Publisher,
    clock: Clock,
    new_nonce: Callable[[], str],
    limits: DatasetSettings,
) -> Training:
    """Package the training's dataset where that is due, then announce it while nobody has begun to submit it.

    Raises the `DatasetError` of what is wrong with the pictures, `ModelErased` or `CannotContinue` where the weights to
    begin with are going or gone, `ArchiveFailed`, `StorageUnavailable`.
    """
    training = trainings.get(event.training_id)
    if _archive_is_gone(training, datasets):
        logs.warning("archive_was_gone", training_id=training.id)
        gone = training.dataset
        training = trainings.update(training.id, lambda t: _requested_again(t, gone, clock))
    if training.status is Status.REQUESTED:
        dataset = make_archive(
            training, shoots=shoots, thumbnails=thumbnails, datasets=datasets, nonce=new_nonce(), limits=limits
        )
        training = _recorded(training, dataset, trainings=trainings, datasets=datasets, clock=clock)
    if training.awaits_submission:
        weights = parent_weights(training, models=models, kept=kept)
        urls = _Urls(datasets=datasets, kept=kept, weights=weights, ttl_s=limits.archive_url_ttl_s)
        _announce(training, urls, publisher=publisher, clock=clock)
    return training


def _archive_is_gone(training: Training, datasets: Objects) -> bool:
    packaged = training.status is Status.PACKAGED and training.dataset is not None
    return packaged and training.dataset is not None and datasets.stat(training.dataset.archive) is None


def _requested_again(training: Training, gone: Dataset | None, clock: Clock) -> Training:
    if training.status is not Status.PACKAGED or training.dataset != gone:
        return training
    return training.advance(Status.REQUESTED, at=clock.now(), reason="the archive was gone")


def _packaged(training: Training, dataset: Dataset, clock: Clock) -> Training:
    if training.status is not Status.REQUESTED:
        return training
    reason = f"{dataset.image_count} pictures, {dataset.bytes:,} bytes"
    return training.advance(Status.PACKAGED, at=clock.now(), reason=reason, dataset=dataset)


def _recorded(
    training: Training, dataset: Dataset, *, trainings: TrainingRepository, datasets: Objects, clock: Clock
) -> Training:
    """The training with the archive that was made for it, or with that of somebody who was faster."""
    before, training = training, trainings.update(training.id, lambda t: _packaged(t, dataset, clock))
    _drop_unwanted((before.dataset, dataset), training, datasets)
    if training.dataset == dataset:
        logs.info("dataset_packaged", training_id=training.id, images=dataset.image_count, bytes=dataset.bytes)
    return training


def _drop_unwanted(made: Iterable[Dataset | None], training: Training, datasets: Objects) -> None:
    """Delete archives that are not the training's: an older one, or this one where somebody else was faster."""
    for dataset in made:
        if dataset is not None and (dataset != training.dataset or training.is_terminal):
            datasets.delete(dataset.archive)
            datasets.delete(manifest_name(dataset.archive))
            logs.info("archive_dropped", training_id=training.id)


@dataclass(frozen=True, kw_only=True)
class _Urls:
    """What can be signed for the announcement; `weights` is an object's name in `kept`, None where none are needed."""

    datasets: Objects
    kept: Objects
    weights: str | None
    ttl_s: float


def _announce(training: Training, urls: _Urls, *, publisher: Publisher, clock: Clock) -> None:
    assert training.dataset is not None, "awaiting submission implies a dataset"
    expires_at = (clock.now() + timedelta(seconds=urls.ttl_s)).timestamp()
    packaged = DatasetPackaged(
        training_id=training.id,
        nonce=training.dataset.nonce,
        archive_url=urls.datasets.sign(training.dataset.archive, ttl_s=urls.ttl_s),
        expires_at=expires_at,
        parent_url=urls.kept.sign(urls.weights, ttl_s=urls.ttl_s) if urls.weights is not None else None,
    )
    publisher.publish(packaged)
    logs.info("archive_announced", training_id=training.id)


def make_archive(
    training: Training,
    *,
    shoots: Objects,
    thumbnails: Objects,
    datasets: Objects,
    nonce: str,
    limits: DatasetSettings,
) -> Dataset:
    """Check the shoot's pictures and stream them into one ZIP object; memory is bounded by the read-ahead window."""
    prefix = preprocessed_prefix(training.shoot_id)
    captions = training.captions
    listed = chosen(pictures(shoots.list(prefix), prefix), training.without)
    found = with_captions(listed, captions)
    raise_first(listing_errors(found, minimum=trainer(training.trainer).minimum_images, limits=limits))
    identity = _as_ordered(training, fingerprint(listed, captions))
    entries = checked_files(
        found,
        trigger_word=training.trigger_word,
        captions=captions,
        proven=proven_whole(training.shoot_id, thumbnails, max_pixels=limits.max_image_pixels),
        bucket=shoots,
        limits=limits,
    )
    name = archive_name(training.id, nonce)
    tally = _write(entries, name, datasets)
    datasets.write(manifest_name(name), [to_bytes(manifest_of(listed, captions))], content_type="application/json")
    return Dataset(
        archive=name,
        nonce=nonce,
        image_count=len(found),
        caption_count=sum(1 for picture in found if picture.caption or picture.stem in captions),
        bytes=tally.size,
        sha256=tally.sha256,
        fingerprint=identity,
    )


def _as_ordered(training: Training, identity: str) -> str:
    """The dataset's fingerprint; `DatasetChanged` where it is another than was ordered."""
    if training.recipe and training.recipe_of(identity) != training.recipe:
        raise DatasetChanged
    return identity


def _write(entries: Iterable[tuple[str, bytes]], name: str, datasets: Objects) -> _Tally:
    """Stream the entries into the ZIP object of that name; its size and hash, once all of it has arrived."""
    tally = _Tally()
    try:
        info = datasets.write(name, tally.count(zip_stream(entries)), content_type="application/zip")
    except (BadZipFile, LargeZipFile) as error:
        raise ArchiveFailed(reason=str(error)) from error
    if info.size != tally.size:
        datasets.delete(name)
        raise ArchiveFailed(reason=f"{tally.size:,} bytes were written and {info.size:,} arrived")
    return tally


@dataclass
class _Tally:
    """Counts and hashes what passes through; the one mutable value of this module."""

    size: int = 0
    sha256: str = ""

    def count(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        with Sha256Beside() as digest:
            for chunk in chunks:
                self.size += len(chunk)
                digest.update(chunk)
                yield chunk
            self.sha256 = digest.hexdigest()
