"""What a storm does to a running stack, and the messages that it delivers once more."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

from infra.local.emulators import FIRESTORE, PUBSUB
from infra.local.provision import provision
from infra.local.stack import Stack
from shared.events import CheckRequested, DatasetPackaged, Event, ResultReported, TrainingRequested
from shared.ports import Objects
from shared.trainings import Training

HELD_UP_S = 1.5
URL_TTL_S = 12 * 60 * 60


def kill_and_start(stack: Stack, *names: str) -> None:
    """kill -9 these servers, and start them again at once."""
    stack.kill(*names)
    stack.start(*names)


def hold_up(stack: Stack, name: str) -> None:
    """Let a process stand still in the middle of what it does, for longer than a claim lasts, and then go on."""
    group = stack.processes.running[name].pid
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGSTOP)
        time.sleep(HELD_UP_S)
        os.killpg(group, signal.SIGCONT)


def reboot(stack: Stack) -> None:
    """End everything on the machine and start it again; Pub/Sub's emulator comes back with nothing."""
    names = tuple(stack.servers)
    stack.kill(*names)
    if (emulators := stack.emulators) is not None:
        emulators.save()
        emulators.restart(FIRESTORE, PUBSUB)
        provision(emulators, stack.endpoints)
    stack.start(*names)


def lose_messages(stack: Stack) -> None:
    """Take Pub/Sub away with everything that it has, while the functions go on."""
    if (emulators := stack.emulators) is not None:
        emulators.restart(PUBSUB)
        provision(emulators, stack.endpoints)


def messages_about(training: Training, datasets: Objects) -> Iterator[tuple[str, Event]]:
    """The messages that there have been about a training, and the functions that they are for."""
    yield "packager", TrainingRequested(training_id=training.id)
    yield "monitor", CheckRequested(training_id=training.id)
    if (dataset := training.dataset) is not None:
        url = datasets.sign(dataset.archive, ttl_s=URL_TTL_S)
        yield (
            "submitter",
            DatasetPackaged(
                training_id=training.id, nonce=dataset.nonce, archive_url=url, expires_at=time.time() + URL_TTL_S
            ),
        )
    if (job := training.fal) is not None:
        yield "mirror", ResultReported(training_id=training.id, nonce=job.nonce, request_id=job.request_id)
