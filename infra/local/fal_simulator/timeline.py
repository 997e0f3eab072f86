"""Where a run stands at a given time, computed from what was stored: pure, so a restart changes nothing."""

import math
from dataclasses import dataclass
from enum import StrEnum

from infra.local.fal_simulator.plans import CancelFault, RunFault
from infra.local.fal_simulator.runs import Failure, Run

FIRST_POSITION = 2
CANCEL_SHARE = 0.1


class Status(StrEnum):
    """The three statuses of fal.md §1; completed is not succeeded."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True)
class Schedule:
    """When a run starts and ends as far as is known now (inf = not yet, or never), and how it fails."""

    started_at: float
    ended_at: float
    failure: Failure | None = None


@dataclass(frozen=True)
class Moment:
    """Where a run stands; `failure` only once it is completed."""

    status: Status
    schedule: Schedule
    queue_position: int | None = None
    failure: Failure | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it has ended with an output."""
        return self.status is Status.COMPLETED and self.failure is None


def moment_of(run: Run, now: float) -> Moment:
    """Where `run` stands at `now`."""
    schedule = schedule_of(run)
    if now >= schedule.ended_at:
        return Moment(Status.COMPLETED, schedule, failure=schedule.failure)
    if now >= schedule.started_at:
        return Moment(Status.IN_PROGRESS, schedule)
    return Moment(Status.IN_QUEUE, schedule, queue_position=_queue_position(run, now))


def schedule_of(run: Run) -> Schedule:
    """Its start and end: undisturbed, unless a start time-out or a cancellation comes first (fal.md §1)."""
    undisturbed = _undisturbed(run)
    interruptions = [_start_timeout(run, undisturbed), _cancellation(run, undisturbed)]
    return min([undisturbed, *(found for found in interruptions if found)], key=lambda schedule: schedule.ended_at)


def _undisturbed(run: Run) -> Schedule:
    hurried_at = math.inf if run.hurried_at is None else run.hurried_at
    started_at = min(run.accepted_at + run.queue_s, hurried_at)
    if run.plan.run is RunFault.NEVER_STARTS and run.hurried_at is None:
        return Schedule(math.inf, math.inf)
    if run.prepared is None or (run.plan.run is RunFault.NEVER_ENDS and run.hurried_at is None):
        return Schedule(started_at, math.inf)
    failure = run.prepared.failure
    trains_s = run.training_s if failure is None else failure.after_s
    ended_at = max(run.prepared.at, min(started_at + trains_s, hurried_at))
    return Schedule(started_at, max(ended_at, started_at), failure)


def _start_timeout(run: Run, undisturbed: Schedule) -> Schedule | None:
    """X-Fal-Request-Timeout bounds the time to start, in real seconds."""
    if run.start_timeout_s is None:
        return None
    deadline = run.accepted_at + run.start_timeout_s
    if deadline >= undisturbed.started_at:
        return None
    return Schedule(deadline, deadline, Failure(504, "Request timed out before it was started", "request_timeout"))


def _cancellation(run: Run, undisturbed: Schedule) -> Schedule | None:
    """Ends a queued run at once and a training one a little later, in which time it may still complete."""
    if run.canceled_at is None or run.plan.cancel is not CancelFault.OK:
        return None
    failure = Failure(499, "The request was cancelled by the client", "client_cancelled")
    if run.canceled_at < undisturbed.started_at:
        return Schedule(run.canceled_at, run.canceled_at, failure)
    return Schedule(undisturbed.started_at, run.canceled_at + CANCEL_SHARE * run.training_s, failure)


def _queue_position(run: Run, now: float) -> int:
    """2, 1, 0 in equal parts of the queue's time."""
    if run.queue_s <= 0:
        return 0
    share = (now - run.accepted_at) / run.queue_s
    return max(0, FIRST_POSITION - int(share * (FIRST_POSITION + 1)))
