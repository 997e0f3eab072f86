"""Where a training can stand, and the one table of its transitions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """Where a training stands."""

    REQUESTED = "requested"
    PACKAGED = "packaged"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    RUNNING = "running"
    MIRRORING = "mirroring"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class Stage(StrEnum):
    """What is being done meanwhile, in the words that users read."""

    PACKAGING = "packaging"
    SUBMITTING = "submitting"
    QUEUED = "queued"
    TRAINING = "training"
    MIRRORING = "mirroring"


class Attention(StrEnum):
    """What the monitor still has to do with a training, whatever its status."""

    FOLLOWED = "followed"
    """It is under way, or its end was not yet settled, announced and cleared up."""
    WATCHED = "watched"
    """It was given up and finished, but fal.ai may still deliver what was paid for."""
    NONE = "none"
    """Nothing."""


_ENDED = (Status.FAILED, Status.CANCELED)

TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.REQUESTED: frozenset({Status.PACKAGED, *_ENDED}),
    # back to requested: the signed URL of the archive ran out before fal.ai had it
    Status.PACKAGED: frozenset({Status.SUBMITTING, Status.REQUESTED, *_ENDED}),
    # to mirroring: a webhook may be first
    Status.SUBMITTING: frozenset({Status.SUBMITTED, Status.MIRRORING, *_ENDED}),
    Status.SUBMITTED: frozenset({Status.RUNNING, Status.MIRRORING, *_ENDED}),
    Status.RUNNING: frozenset({Status.MIRRORING, *_ENDED}),
    Status.MIRRORING: frozenset({Status.SUCCEEDED, *_ENDED}),
    Status.SUCCEEDED: frozenset(),
    # recovery, only where the failure was in mirroring: paid weights can be fetched again; and failed anew, where it
    # turned out later that fal.ai has them
    Status.FAILED: frozenset({Status.MIRRORING, Status.FAILED}),
    Status.CANCELED: frozenset(),
}

TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED})

STAGE_OF: Mapping[Status, Stage] = {
    Status.REQUESTED: Stage.PACKAGING,
    Status.PACKAGED: Stage.SUBMITTING,
    Status.SUBMITTING: Stage.SUBMITTING,
    Status.SUBMITTED: Stage.QUEUED,
    Status.RUNNING: Stage.TRAINING,
    Status.MIRRORING: Stage.MIRRORING,
}
