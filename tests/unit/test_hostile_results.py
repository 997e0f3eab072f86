"""Reports and results that are not what they seem: nothing is kept, nothing is lost, and what was paid stays known."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass

import pytest

from functions.mirror.fetch_artifacts import FETCH_ATTEMPTS
from shared.errors import (
    SubmissionUncertain,
    TrainerUnavailable,
)
from shared.events import CheckRequested, ResultReported
from shared.ports import RunOutput
from shared.stages import Stage, Status
from shared.training_records import FalJob
from shared.trainings import Training
from tests.fakes import FakeFal
from tests.safetensors_files import a_file, a_lora, entry, pair
from tests.wiring import MAX_ATTEMPTS
from tests.world import World

FORGED = {
    "another nonce": {"nonce": "guessed"},
    "another request": {"request_id": "r99"},
    "neither": {"nonce": "guessed", "request_id": "r99"},
}


@dataclass
class FalForOthersToo(FakeFal):
    """fal.ai, asked for a request that our key may not read, or for any while our account is locked."""

    locked: bool = False

    def result(self, job: FalJob) -> RunOutput | None:
        """The output of our own runs only."""
        if self.locked:
            raise TrainerUnavailable(reason="it does not accept our account: User is locked")
        if job.request_id not in self.runs:
            raise TrainerUnavailable(reason="it does not know this request")
        return super().result(job)


@pytest.fixture
def world() -> World:
    world = World()
    world.fal = FalForOthersToo(world.clock)
    return world


def submitted(world: World) -> Training:
    """A training that fal.ai has accepted, or may have."""
    world.shoot()
    training = world.start()
    world.run()
    return world.of(training)


def fal_of(world: World) -> FalForOthersToo:
    assert isinstance(world.fal, FalForOthersToo)
    return world.fal


@pytest.mark.parametrize("name", FORGED)
def test_a_signed_report_about_somebody_elses_request_changes_nothing(world: World, name: str) -> None:
    """fal.ai signs callbacks for all its customers, and none of them for an address."""
    training = submitted(world)
    world.fal.end("r1")
    fields = {"training_id": training.id, "nonce": "n1", "request_id": "r1", **FORGED[name]}
    world.deliver(ResultReported(**fields))
    assert world.of(training) == training
    assert list(world.kept.list("")) == []
    assert world.finish(training).status is Status.SUCCEEDED


def test_a_strangers_request_under_our_nonce_ends_nothing(world: World) -> None:
    """While our own request is not recorded the nonce is all there is: what our key cannot read is not believed."""
    world.fal.lose_answer = [SubmissionUncertain(reason="timeout")]
    training = submitted(world)
    stranger = ResultReported(training_id=training.id, nonce="n1", request_id="r99")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with pytest.raises(TrainerUnavailable):
            world.deliver(stranger, attempt=attempt)
    now = world.of(training)
    assert (now.status, now.fal, now.error) == (Status.SUBMITTING, None, None)
    assert world.finish(training).status is Status.SUCCEEDED
    assert len(world.fal.runs) == 1


def test_an_account_that_is_locked_when_the_run_is_done_does_not_cost_the_weights(world: World) -> None:
    """The training itself may have used up the balance: it is paid, and there as soon as the operator has paid."""
    training = submitted(world)
    world.fal.end("r1")
    report = world.report(training)
    fal_of(world).locked = True
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with pytest.raises(TrainerUnavailable):
            world.deliver(report, attempt=attempt)
    waiting = world.of(training)
    assert waiting.status is Status.SUBMITTED
    assert waiting.hindrance is not None
    assert "User is locked" in waiting.hindrance.message
    fal_of(world).locked = False
    world.tick(after_s=world.monitor_settings.stalled_s)
    world.run()
    assert world.of(training).status is Status.SUCCEEDED
    assert len(world.fal.runs) == 1


def test_looking_now_while_our_account_is_locked_ends_nothing(world: World) -> None:
    """Whoever presses the button makes the monitor a consumer, which may end trainings; not over this."""
    training = submitted(world)
    locked = TrainerUnavailable(reason="it does not accept our account: User is locked")
    world.fal.unreachable = [locked] * MAX_ATTEMPTS
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with pytest.raises(TrainerUnavailable):
            world.deliver(CheckRequested(training_id=training.id), attempt=attempt)
    waiting = world.of(training)
    assert waiting.status is Status.SUBMITTED
    assert waiting.hindrance is not None
    assert "User is locked" in waiting.hindrance.message
    assert world.finish(training).status is Status.SUCCEEDED


def test_a_late_result_is_waited_for_too_while_our_account_is_locked(world: World) -> None:
    world.fal.lose_answer = [SubmissionUncertain(reason="timeout")]
    training = submitted(world)
    runs = dict(world.fal.runs)
    world.fal.runs.clear()
    world.tick(after_s=world.monitor_settings.deadline_submitting_s + 1)
    world.fal.runs.update(runs)
    world.fal.end("r1")
    fal_of(world).locked = True
    with pytest.raises(TrainerUnavailable):
        world.deliver(world.report(training))
    fal_of(world).locked = False
    world.deliver(world.report(training))
    assert world.of(training).is_recoverable


def a_zip_bomb() -> bytes:
    """A small ZIP of a large JSON file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b"[" + b" " * (8 << 20) + b"]")
    return file.getvalue()


NOT_CONFIGURATIONS = {
    "nothing": b"",
    "a web page": b"<!DOCTYPE html><title>Not found</title>",
    "a ZIP": a_zip_bomb(),
    "a packed file": zlib.compress(b"{}"),
    "nested lists": b"[" * 1_000_000,
    "nested objects": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "a number without end": b'{"a": ' + b"9" * 1_000_000 + b"}",
    "half of it": b'{"steps": 10',
    "two of them": b"{}{}",
    "no UTF-8": b'{"a": "\xff"}',
    "NULs": bytes(1000),
}


@pytest.mark.parametrize("name", NOT_CONFIGURATIONS)
def test_what_is_no_configuration_is_fetched_again_and_then_told(world: World, name: str) -> None:
    training = submitted(world)
    good, world.media.config = world.media.config, NOT_CONFIGURATIONS[name]
    failed = world.finish(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.stage, failed.error.charged) == ("artifact_corrupt", Stage.MIRRORING, True)
    assert (world.media.fetched, world.media.configs_fetched) == (1, FETCH_ATTEMPTS)
    assert list(world.kept.list("models/")) == []
    world.media.config = good
    assert world.recover(training).status is Status.SUCCEEDED
    assert len(world.fal.runs) == 1


NOT_WEIGHTS = {
    "a web page": b"<!DOCTYPE html><title>Not found</title>",
    "a ZIP": a_zip_bomb(),
    "a header without end": b"\xff" * 8 + b"{",
    "a pickle": b"\x80\x04\x95" + bytes(40),
    "zeros": a_file(pair(), bytes(8)),
    "no numbers": a_lora("float16", value=b"\x00\x7e"),
    "a whole model": a_file({"model.weight": entry(0, 8)}, b"\1" * 8),
    "half of it": a_lora()[:-100],
    "one byte more": a_lora() + b"\0",
}


@pytest.mark.parametrize("name", NOT_WEIGHTS)
def test_what_is_no_weights_is_fetched_again_and_then_told(world: World, name: str) -> None:
    training = submitted(world)
    world.media.broken = [NOT_WEIGHTS[name]] * FETCH_ATTEMPTS
    failed = world.finish(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.stage, failed.error.charged) == ("artifact_corrupt", Stage.MIRRORING, True)
    assert world.media.fetched == FETCH_ATTEMPTS
    # what tells which pictures they were trained on waits for a recovery
    assert [found.name.split("/")[-1] for found in world.kept.list("")] == ["dataset.json"]
    assert world.recover(training).status is Status.SUCCEEDED
    assert len(world.fal.runs) == 1
