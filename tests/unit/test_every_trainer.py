"""Every trainer on the whole way, in memory: from the press of the button to a kept model, with all its files."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from functions.submitter.fal_input import NOT_KEPT
from shared.errors import ArtifactCorrupt
from shared.stages import Status
from shared.trainers import TRAINERS, TrainerSpec, trainer
from shared.trainings import Training
from tests.fakes import lora_weights
from tests.world import World

ALL = [pytest.param(spec, id=spec.name) for spec in TRAINERS.values()]
WAN = trainer("wan-22-image-trainer")


def trained(world: World, spec: TrainerSpec, images: int = 10) -> Training:
    """A training at fal.ai, not ended yet."""
    world.shoot(images=images, captions=3)
    training = world.start(trainer=spec.endpoint, parameters={})
    world.run()
    return world.of(training)


@pytest.mark.parametrize("spec", ALL)
def test_every_trainer_gives_a_model_with_all_that_belongs_to_it(spec: TrainerSpec) -> None:
    world = World()
    training = trained(world, spec)
    done = world.finish(training)
    assert done.status is Status.SUCCEEDED, done.error

    model = world.models.get(done.model_id or "")
    assert [file.part for file in model.files] == [output.part for output in spec.weights]
    for file in model.files:
        assert world.kept.stat(file.uri.removeprefix("gs://models/")) is not None
    card = b"".join(world.kept.read("models/p1/red-riding-hood/v1/README.md")).decode()
    assert spec.base_model.title in card
    assert all(file.sha256 in card for file in model.files)
    document = json.loads(b"".join(world.kept.read("models/p1/red-riding-hood/v1/model.json")))
    assert [f["part"] for f in document["further_weights"]] == [output.part for output in spec.weights[1:]]


@pytest.mark.parametrize("spec", ALL)
def test_what_wwithout_metadata_and_what_came_is_kept_without_a_link(spec: TrainerSpec) -> None:
    world = World()
    training = world.finish(trained(world, spec))
    (run,) = world.fal.runs.values()
    assert training.sent is not None
    assert training.sent.trainer_version == spec.version
    assert training.sent.fields == {**run.submission.arguments, spec.data_field: NOT_KEPT}
    assert set(training.delivered or {}) == {*(output.output for output in spec.weights), spec.config_field}
    kept = json.dumps([dict(training.sent.fields), training.delivered])
    assert "://" not in kept
    assert run.job.nonce not in kept


@pytest.mark.parametrize("spec", ALL)
def test_too_few_pictures_are_refused_with_the_trainers_own_number_before_anything_is_paid(spec: TrainerSpec) -> None:
    world = World()
    training = trained(world, spec, images=spec.minimum_images - 1)
    assert training.error is not None
    assert (training.error.code, training.error.charged) == ("too_few_images", False)
    assert f"at least {spec.minimum_images}" in training.error.message
    assert not world.fal.runs


def broken(content: bytes) -> Callable[[World], None]:
    return lambda world: world.media.broken.extend([lora_weights(), content, content, content])


@pytest.mark.parametrize("broke", [broken(b""), broken(lora_weights()[:-1]), broken(b"\0" * len(lora_weights()))])
def test_a_second_file_that_does_not_verify_is_no_model_and_takes_no_version(broke: Callable[[World], None]) -> None:
    world = World()
    training = trained(world, WAN)
    broke(world)
    failed = world.finish(training)
    assert failed.error is not None
    assert failed.error.code == ArtifactCorrupt.code
    assert not list(world.kept.list("models/"))
    assert world.models.allocate_version("p1", "red-riding-hood", "t_other") == 1, "versions stay dense"


def test_a_second_file_that_was_damaged_once_is_fetched_again_alone() -> None:
    world = World()
    training = trained(world, WAN)
    world.media.broken = [lora_weights(), lora_weights()[:-1]]
    done = world.finish(training)
    assert done.status is Status.SUCCEEDED
    assert world.media.fetched == 3, "the low noise file once, the high noise file twice"


def test_both_files_are_recovered_where_the_second_did_not_come() -> None:
    world = World()
    training = trained(world, WAN)
    broken(b"")(world)
    failed = world.finish(training)
    assert failed.is_recoverable
    recovered = world.recover(failed)
    assert recovered.status is Status.SUCCEEDED, recovered.error
    model = world.models.get(recovered.model_id or "")
    assert {file.part: file.sha256 for file in model.files}.keys() == {"low-noise", "high-noise"}
    assert model.files[0].sha256 != model.files[1].sha256
    assert len(world.fal.runs) == 1


def test_an_output_without_the_second_file_is_corrupt_before_anything_is_fetched() -> None:
    world = World()
    training = trained(world, WAN)
    world.fal.leaves_out = "high_noise_lora"
    failed = world.finish(training)
    assert failed.error is not None
    assert "names no high_noise_lora" in failed.error.message
    assert world.media.fetched == 0


def test_the_files_of_a_model_are_named_for_what_they_are() -> None:
    world = World()
    world.finish(trained(world, WAN))
    names = [found.name.rpartition("/")[2] for found in world.kept.list("models/p1/red-riding-hood/v1/")]
    assert {"red-riding-hood-v1-low-noise.safetensors", "red-riding-hood-v1-high-noise.safetensors"} <= set(names)
    assert not list(world.kept.list("incoming/"))
