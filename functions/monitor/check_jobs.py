"""The monitor's use case: one tick is one bounded pass over what is unfinished. It asks, announces and times out.

It never does another function's work: a result that it finds is reported as if the webhook had come, a stage that
stalled is announced again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from functions.monitor.look_back import look_back
from functions.monitor.progress import parse_progress
from functions.monitor.sweep_archives import Sweeper
from shared import logs
from shared.errors import Conflict, ProductError, SubmissionUnconfirmed
from shared.events import CheckRequested, ResultReported, TrainingRequested
from shared.finishing import finish_training
from shared.messaging import Delivery
from shared.narrating import Narrator
from shared.ports import (
    AccountRepository,
    CancelAnswer,
    Clock,
    Objects,
    Publisher,
    RunState,
    RunStatus,
    Trainer,
    TrainingRepository,
)
from shared.settings import MonitorSettings
from shared.stages import Status
from shared.tracing import processing
from shared.training_records import FalJob, Progress
from shared.trainings import STOPPED_AT_FAL, Training

PARALLEL_CHECKS = 8
NOT_LISTED = "its request list does not show it yet"


@dataclass(frozen=True, kw_only=True)
class Tick:
    """What one pass did, in numbers."""

    checked: int
    hindered: int
    swept: int


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """The ports of a pass and its one moment, so that every check sees the same time.

    `asked` means that a user wants to know now: nothing waits for its interval.
    """

    trainings: TrainingRepository
    trainer: Trainer
    datasets: Objects
    publisher: Publisher
    accounts: AccountRepository
    clock: Clock
    settings: MonitorSettings
    now: datetime
    asked: bool = False

    def check(self, training: Training) -> None:
        """Look after one training that is followed. Raises `ProductError` where something does not answer."""
        if training.is_terminal:
            self.finish(training)
        elif self.settings.deadlines.passed(training, self.now):
            self._expire(training)
        elif training.cancel_requested_at and training.fal and training.status in _UNDER_WAY:
            self._cancel(training, training.fal)
        else:
            _CHECKS[training.status](self, training)

    def check_and_tell(self, training: Training) -> None:
        """The same; what does not answer is told to the training's user first."""
        try:
            self.check(training)
        except Conflict:
            raise
        except ProductError as error:
            self._tell_hindrance(training, error)
            raise

    def _tell_hindrance(self, training: Training, error: ProductError) -> None:
        """Write why nobody knows how the training stands, once for each reason: a wait is not a silence."""
        if training.is_terminal or (training.hindrance is not None and training.hindrance.code == error.code):
            return
        with contextlib.suppress(ProductError):
            self.trainings.update(training.id, lambda t: t.hindered(error, at=self.now))

    def announce_again(self, training: Training) -> None:
        """A stage that nobody has begun for a while: say again that it is due."""
        if self._is_stalled(training, self.settings.stalled_s):
            logs.warning("stage_announced_again", training_id=training.id, status=training.status)
            self.publisher.publish(TrainingRequested(training_id=training.id))

    def look_up_submission(self, training: Training) -> None:
        """A claim without an answer: look for the request in fal.ai's list, by the nonce. Absence proves nothing."""
        if training.claim is None or training.awaits_submission:
            return self.announce_again(training)
        if self.now < training.claim.lease_until:
            return None
        since = training.since
        job = self.trainer.find(training.trainer, training.claim.nonce, since=since)
        if job is not None:
            logs.info("submission_found", training_id=training.id, request_id=job.request_id)
            found = job
            self.trainings.update(training.id, lambda t: t.recorded(found, at=self.now, reason="found at fal.ai"))
        elif training.hindrance is None:
            logs.info("submission_not_listed", training_id=training.id)
            self.trainings.update(
                training.id,
                lambda t: t.hindered(SubmissionUnconfirmed(reason=NOT_LISTED), at=self.now),
            )
        return None

    def follow_run(self, training: Training) -> None:
        """Queued or running: write progress and log; done: report the result as the webhook would."""
        if training.fal is None:
            return
        status = self.trainer.status(training.fal, log=True)
        if status.state is RunState.COMPLETED:
            self._report(training, training.fal, status)
        else:
            now = self.trainings.update(training.id, lambda t: self._followed(t, status))
            if now.status is Status.RUNNING and training.status is not Status.RUNNING:
                logs.info("run_began", training_id=training.id, request_id=training.fal.request_id)

    def nudge_mirror(self, training: Training) -> None:
        """A mirror that takes very long: report the result again; two at once are harmless."""
        if training.fal is not None and self._is_stalled(training, self.settings.mirror_stalled_s):
            self._publish_result(training, training.fal, "asked" if self.asked else "mirror_stalled")

    def _is_stalled(self, training: Training, after_s: float) -> bool:
        """Whether nothing happened for `after_s` since the status was reached or last announced; marks it announced."""
        last = training.announced_at or training.since
        if not self.asked and (self.now - last).total_seconds() <= after_s:
            return False
        self.trainings.update(training.id, lambda t: replace(t, announced_at=self.now))
        return True

    def _followed(self, training: Training, status: RunStatus) -> Training:
        if training.status not in _UNDER_WAY:
            return training
        if status.state is RunState.IN_PROGRESS:
            training = training.advance(Status.RUNNING, at=self.now)
        progress = self._progress(training, status)
        if not self._is_due(training, progress):
            return training
        return replace(training, hindrance=None).with_progress(progress, status.log)

    def _progress(self, training: Training, status: RunStatus) -> Progress | None:
        if status.state is RunState.IN_QUEUE:
            message = "waiting in fal.ai's queue"
            return Progress(percent=0.0, message=message, queue_position=status.queue_position, updated_at=self.now)
        steps = training.parameters.get("steps")
        return parse_progress(
            status.log, total_steps=steps, started_at=training.since, now=self.now, before=training.progress
        )

    def _is_due(self, training: Training, progress: Progress | None) -> bool:
        if self.asked or training.progress is None or training.since == self.now:
            return True
        age = (self.now - training.progress.updated_at).total_seconds()
        return progress is not None and age >= self.settings.progress_interval_s

    def _report(self, training: Training, job: FalJob, status: RunStatus) -> None:
        """Report a finished run once, and again only where nothing came of it for a while."""
        if (
            not self.asked
            and training.announced_at
            and (self.now - training.announced_at).total_seconds() < self.settings.stalled_s
        ):
            return
        now = self.trainings.update(training.id, lambda t: self._completed(t, status))
        if now.status in _UNDER_WAY:
            self._publish_result(training, job, "completed")

    def _completed(self, training: Training, status: RunStatus) -> Training:
        if training.status not in _UNDER_WAY:
            return training
        message = "fal.ai is done; fetching the result"
        progress = Progress(percent=100.0, message=message, eta_s=0.0, updated_at=self.now)
        return replace(training.with_progress(progress, status.log), announced_at=self.now)

    def _publish_result(self, training: Training, job: FalJob, reason: str) -> None:
        logs.info("result_found", training_id=training.id, request_id=job.request_id, reason=reason)
        self.publisher.publish(
            ResultReported(training_id=training.id, nonce=job.nonce, request_id=job.request_id, reported_by="monitor")
        )

    def _expire(self, training: Training) -> None:
        """Past its deadline: stop the run where there is one, and fail with a word.

        A run that has ended meanwhile is reported instead: only the mirror learns how it ended. It gets as long for
        that as for mirroring.
        """
        deadlines = self.settings.deadlines
        limit_s = deadlines.limit_s(training.status)
        patience = timedelta(seconds=limit_s + deadlines.mirroring_s)
        job = training.fal
        # where fal.ai does not even tell that for so long, the training ends without having asked
        if job and self.now - training.since < patience and self._has_ended(training, job):
            if self._is_stalled(training, self.settings.stalled_s):
                self._publish_result(training, job, "ended_at_the_deadline")
            return
        expired = self.trainings.update(training.id, lambda t: self._expired(t, training, limit_s))
        if expired.is_terminal:
            code = expired.error.code if expired.error else None
            logs.error("training_expired", training_id=training.id, was=training.status, limit_s=limit_s, code=code)
            self.finish(expired)
        if job and expired.is_recoverable:
            # the mirror may have died between the model and its training: then it has only to say so
            self._publish_result(expired, job, "given_up")
        return None

    def _cancel(self, training: Training, job: FalJob) -> None:
        """Its user wants the run stopped: it is, unless fal.ai is done with it; then the model is kept after all."""
        answer = self.trainer.cancel(job)
        logs.info("cancellation_answered", training_id=training.id, answer=answer)
        if answer is CancelAnswer.TOO_LATE:
            # only the mirror learns whether it was faster, or had been stopped by somebody who died before saying so
            if self._is_stalled(training, self.settings.stalled_s if training.announced_at else 0.0):
                self._publish_result(training, job, "too_late_to_cancel")
            return
        canceled = self.trainings.update(training.id, lambda t: t.canceled(STOPPED_AT_FAL, at=self.now, charged=None))
        if canceled.is_terminal:
            logs.info("training_canceled", training_id=training.id)
            self.finish(canceled)
        return None

    def look_back(self, training: Training) -> None:
        """Look whether fal.ai delivered after all what was given up."""
        look_back(
            training,
            trainings=self.trainings,
            trainer=self.trainer,
            publisher=self.publisher,
            settings=self.settings,
            now=self.now,
        )

    def finish(self, training: Training) -> None:
        """Do what is left to do when a training has ended."""
        finish_training(
            training,
            trainings=self.trainings,
            publisher=self.publisher,
            datasets=self.datasets,
            accounts=self.accounts,
            clock=self.clock,
        )

    def _has_ended(self, training: Training, job: FalJob) -> bool:
        return training.status in _UNDER_WAY and self.trainer.cancel(job) is CancelAnswer.TOO_LATE

    def _expired(self, training: Training, seen: Training, limit_s: float) -> Training:
        # one that was recovered meanwhile stands in the same status again, and has all its time before it
        unmoved = (training.status, training.since) == (seen.status, seen.since)
        return training.expired(limit_s, at=self.now) if unmoved else training


_UNDER_WAY = (Status.SUBMITTED, Status.RUNNING)

_CHECKS: dict[Status, Callable[[Monitor, Training], None]] = {
    Status.REQUESTED: Monitor.announce_again,
    Status.PACKAGED: Monitor.announce_again,
    Status.SUBMITTING: Monitor.look_up_submission,
    Status.SUBMITTED: Monitor.follow_run,
    Status.RUNNING: Monitor.follow_run,
    Status.MIRRORING: Monitor.nudge_mirror,
}


def threads() -> Executor:
    """What checks are done on: they wait for others most of the time."""
    return ThreadPoolExecutor(max_workers=PARALLEL_CHECKS, thread_name_prefix="check")


def check_jobs(monitor: Monitor, *, new_executor: Callable[[], Executor] = threads) -> Tick:
    """One pass: every followed and watched training once, then leftover ZIPs. One that fails does not stop others."""
    settings = monitor.settings
    followed = monitor.trainings.list_followed(limit=settings.tick_trainings)
    looked_before = monitor.now - timedelta(seconds=settings.watch_interval_s)
    watched = monitor.trainings.list_watched(unchanged_since=looked_before, limit=settings.tick_trainings)
    with new_executor() as pool:
        hindered = _hindered(pool, monitor.check_and_tell, followed) + _hindered(pool, monitor.look_back, watched)
    sweeper = Sweeper(
        trainings=monitor.trainings,
        datasets=monitor.datasets,
        finish=monitor.finish,
        now=monitor.now,
        settings=settings,
    )
    swept = sweeper.sweep(active=frozenset(training.id for training in followed))
    tick = Tick(checked=len(followed) + len(watched), hindered=hindered, swept=swept)
    if tick != Tick(checked=0, hindered=0, swept=0):
        late = sum(settings.deadlines.passed(training, monitor.now) for training in followed)
        logs.info("tick_done", checked=tick.checked, hindered=tick.hindered, swept=tick.swept, late=late)
    return tick


def check_everything(
    event: CheckRequested,
    delivery: Delivery,
    *,
    monitor: Monitor,
    narrator: Narrator,
    new_executor: Callable[[], Executor] = threads,
) -> Tick:
    """A pass now, because an operator asks; the event's own story tells what was found, whoever it concerns."""
    received = delivery.received(event.topic)
    with (
        processing(event, delivery.comes_from),
        logs.about(training_id=event.training_id),
        narrator.invocation(event.training_id, received, everything=True),
    ):
        return check_jobs(monitor, new_executor=new_executor)


def check_one(event: CheckRequested, monitor: Monitor) -> Training:
    """Look after one training now, because its user asks; the training as it then is. Raises what `check` raises."""
    replace(monitor, asked=True).check(monitor.trainings.get(event.training_id))
    return monitor.trainings.get(event.training_id)


def _hindered(pool: Executor, check: Callable[[Training], None], trainings: Sequence[Training]) -> int:
    """Check them all; how many could not be."""
    # a thread knows what stands around this one, such as who listens to the log, only by a context of its own
    contexts = [copy_context() for _ in trainings]
    checks = pool.map(lambda context, training: context.run(_checked, check, training), contexts, trainings)
    return sum(not checked for checked in checks)


def _checked(check: Callable[[Training], None], training: Training) -> bool:
    try:
        with logs.about(training_id=training.id):
            check(training)
    except Conflict as error:
        logs.info("check_lost_a_race", training_id=training.id, reason=error.message)
    except ProductError as error:
        logs.warning("check_hindered", training_id=training.id, code=error.code)
        return False
    return True
