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
from functions.monitor.progress import progress_of
from functions.monitor.sweep_archives import Sweeper
from shared import logs
from shared.all_jobs import AnyJob, Jobs
from shared.announcing import requested_event
from shared.errors import Conflict, JobNotFound, ProductError, SubmissionUnconfirmed
from shared.events import CheckRequested, ResultReported
from shared.finishing import finish_job
from shared.jobs import STOPPED_AT_FAL, Job
from shared.messaging import Delivery
from shared.narrating import Narrator
from shared.ports import (
    AccountRepository,
    CancelAnswer,
    Clock,
    ModelRepository,
    Objects,
    Publisher,
    RunState,
    RunStatus,
    Trainer,
)
from shared.settings import MonitorSettings
from shared.stages import Status
from shared.tracing import processing
from shared.training_records import FalJob, Progress

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

    jobs: Jobs
    models: ModelRepository
    trainer: Trainer
    datasets: Objects
    publisher: Publisher
    accounts: AccountRepository
    clock: Clock
    settings: MonitorSettings
    now: datetime
    asked: bool = False

    def check(self, job: Job) -> None:
        """Look after one job that is followed. Raises `ProductError` where something does not answer."""
        if job.is_terminal:
            self.finish(job)
        elif self.settings.deadlines.passed(job, self.now):
            self._expire(job)
        elif job.cancel_requested_at and job.fal and job.status in _UNDER_WAY:
            self._cancel(job, job.fal)
        else:
            _CHECKS[job.status](self, job)

    def check_and_tell(self, job: Job) -> None:
        """The same; what does not answer is told to the job's user first."""
        try:
            self.check(job)
        except Conflict:
            raise
        except ProductError as error:
            self._tell_hindrance(job, error)
            raise

    def _tell_hindrance(self, job: Job, error: ProductError) -> None:
        """Write why nobody knows how the job stands, once for each reason: a wait is not a silence."""
        if job.is_terminal or (job.hindrance is not None and job.hindrance.code == error.code):
            return
        with contextlib.suppress(ProductError):
            self.jobs.update(job.id, lambda t: t.hindered(error, at=self.now))

    def announce_again(self, job: Job) -> None:
        """A stage that nobody has begun for a while: say again that it is due."""
        if self._is_stalled(job, self.settings.stalled_s):
            logs.warning("stage_announced_again", training_id=job.id, status=job.status)
            self.publisher.publish(requested_event(job))

    def look_up_submission(self, job: Job) -> None:
        """A claim without an answer: look for the request in fal.ai's list, by the nonce. Absence proves nothing."""
        if job.claim is None or job.awaits_submission:
            return self.announce_again(job)
        if self.now < job.claim.lease_until:
            return None
        since = job.since
        request = self.trainer.find(job.endpoint, job.claim.nonce, since=since)
        if request is not None:
            logs.info("submission_found", training_id=job.id, request_id=request.request_id)
            found = request
            self.jobs.update(job.id, lambda t: t.recorded(found, at=self.now, reason="found at fal.ai"))
        elif job.hindrance is None:
            logs.info("submission_not_listed", training_id=job.id)
            self.jobs.update(
                job.id,
                lambda t: t.hindered(SubmissionUnconfirmed(reason=NOT_LISTED), at=self.now),
            )
        return None

    def follow_run(self, job: Job) -> None:
        """Queued or running: write progress and log; done: report the result as the webhook would."""
        if job.fal is None:
            return
        status = self.trainer.status(job.fal, log=True)
        if status.state is RunState.COMPLETED:
            self._report(job, job.fal, status)
        else:
            now = self.jobs.update(job.id, lambda t: self._followed(t, status))
            if now.status is Status.RUNNING and job.status is not Status.RUNNING:
                logs.info("run_began", training_id=job.id, request_id=job.fal.request_id)

    def nudge_mirror(self, job: Job) -> None:
        """A mirror that takes very long: report the result again; two at once are harmless."""
        if job.fal is not None and self._is_stalled(job, self.settings.mirror_stalled_s):
            self._publish_result(job, job.fal, "asked" if self.asked else "mirror_stalled")

    def _is_stalled(self, job: Job, after_s: float) -> bool:
        """Whether nothing happened for `after_s` since the status was reached or last announced; marks it announced."""
        last = job.announced_at or job.since
        if not self.asked and (self.now - last).total_seconds() <= after_s:
            return False
        self.jobs.update(job.id, lambda t: replace(t, announced_at=self.now))
        return True

    def _followed(self, job: AnyJob, status: RunStatus) -> AnyJob:
        if job.status not in _UNDER_WAY:
            return job
        if status.state is RunState.IN_PROGRESS:
            job = job.advance(Status.RUNNING, at=self.now)
        progress = progress_of(job, status, self.now)
        if not self._is_due(job, progress):
            return job
        return replace(job, hindrance=None).with_progress(progress, status.log)

    def _is_due(self, job: Job, progress: Progress | None) -> bool:
        if self.asked or job.progress is None or job.since == self.now:
            return True
        age = (self.now - job.progress.updated_at).total_seconds()
        return progress is not None and age >= self.settings.progress_interval_s

    def _report(self, job: Job, request: FalJob, status: RunStatus) -> None:
        """Report a finished run once, and again only where nothing came of it for a while."""
        if (
            not self.asked
            and job.announced_at
            and (self.now - job.announced_at).total_seconds() < self.settings.stalled_s
        ):
            return
        now = self.jobs.update(job.id, lambda t: self._completed(t, status))
        if now.status in _UNDER_WAY:
            self._publish_result(job, request, "completed")

    def _completed(self, job: Job, status: RunStatus) -> Job:
        if job.status not in _UNDER_WAY:
            return job
        message = "fal.ai is done; fetching the result"
        progress = Progress(percent=100.0, message=message, eta_s=0.0, updated_at=self.now)
        return replace(job.with_progress(progress, status.log), announced_at=self.now)

    def _publish_result(self, job: Job, request: FalJob, reason: str) -> None:
        logs.info("result_found", training_id=job.id, request_id=request.request_id, reason=reason)
        self.publisher.publish(
            ResultReported(
                training_id=job.id, nonce=request.nonce, request_id=request.request_id, reported_by="monitor"
            )
        )

    def _expire(self, job: Job) -> None:
        """Past its deadline: stop the run where there is one, and fail with a word.

        A run that has ended meanwhile is reported instead: only the mirror learns how it ended. It gets as long for
        that as for mirroring.
        """
        deadlines = self.settings.deadlines
        limit_s = deadlines.limit_s(job.status, job.kind)
        patience = timedelta(seconds=limit_s + deadlines.mirroring_s)
        request = job.fal
        # where fal.ai does not even tell that for so long, the job ends without having asked
        if request and self.now - job.since < patience and self._has_ended(job, request):
            if self._is_stalled(job, self.settings.stalled_s):
                self._publish_result(job, request, "ended_at_the_deadline")
            return
        expired = self.jobs.update(job.id, lambda t: self._expired(t, job, limit_s))
        if expired.is_terminal:
            code = expired.error.code if expired.error else None
            logs.error("training_expired", training_id=job.id, was=job.status, limit_s=limit_s, code=code)
            self.finish(expired)
        if request and expired.is_recoverable:
            # the mirror may have died between the model and its training: then it has only to say so
            self._publish_result(expired, request, "given_up")
        return None

    def _cancel(self, job: Job, request: FalJob) -> None:
        """Its user wants the run stopped: it is, unless fal.ai is done with it; then the model is kept after all."""
        answer = self.trainer.cancel(request)
        logs.info("cancellation_answered", training_id=job.id, answer=answer)
        if answer is CancelAnswer.TOO_LATE:
            # only the mirror learns whether it was faster, or had been stopped by somebody who died before saying so
            if self._is_stalled(job, self.settings.stalled_s if job.announced_at else 0.0):
                self._publish_result(job, request, "too_late_to_cancel")
            return
        canceled = self.jobs.update(job.id, lambda t: t.canceled(STOPPED_AT_FAL, at=self.now, charged=None))
        if canceled.is_terminal:
            logs.info("training_canceled", training_id=job.id)
            self.finish(canceled)

    def look_back(self, job: Job) -> None:
        """Look whether fal.ai delivered after all what was given up."""
        look_back(
            job,
            jobs=self.jobs,
            trainer=self.trainer,
            publisher=self.publisher,
            settings=self.settings,
            now=self.now,
        )

    def finish(self, job: Job) -> None:
        """Do what is left to do when a job has ended."""
        finish_job(
            job,
            jobs=self.jobs,
            models=self.models,
            publisher=self.publisher,
            datasets=self.datasets,
            accounts=self.accounts,
            clock=self.clock,
        )

    def _has_ended(self, job: Job, request: FalJob) -> bool:
        return job.status in _UNDER_WAY and self.trainer.cancel(request) is CancelAnswer.TOO_LATE

    def _expired(self, job: Job, seen: Job, limit_s: float) -> Job:
        # one that was recovered meanwhile stands in the same status again, and has all its time before it
        unmoved = (job.status, job.since) == (seen.status, seen.since)
        return job.expired(limit_s, at=self.now) if unmoved else job


_UNDER_WAY = (Status.SUBMITTED, Status.RUNNING)

_CHECKS: dict[Status, Callable[[Monitor, Job], None]] = {
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
    """One pass: every followed and watched job once, then leftover ZIPs. One that fails does not stop others."""
    settings = monitor.settings
    followed = monitor.jobs.list_followed(limit=settings.tick_trainings)
    looked_before = monitor.now - timedelta(seconds=settings.watch_interval_s)
    watched = monitor.jobs.list_watched(unchanged_since=looked_before, limit=settings.tick_trainings)
    with new_executor() as pool:
        hindered = _hindered(pool, monitor.check_and_tell, followed) + _hindered(pool, monitor.look_back, watched)
    sweeper = Sweeper(
        jobs=monitor.jobs,
        datasets=monitor.datasets,
        finish=monitor.finish,
        now=monitor.now,
        settings=settings,
    )
    swept = sweeper.sweep(active=frozenset(job.id for job in followed))
    tick = Tick(checked=len(followed) + len(watched), hindered=hindered, swept=swept)
    if tick != Tick(checked=0, hindered=0, swept=0):
        late = sum(settings.deadlines.passed(job, monitor.now) for job in followed)
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


def check_one(event: CheckRequested, monitor: Monitor) -> Job:
    """Look after one job now, because its user asks; the job as it then is. Raises what `check` raises."""
    replace(monitor, asked=True).check(monitor.jobs.get(event.training_id))
    return monitor.jobs.get(event.training_id)


def _hindered(pool: Executor, check: Callable[[Job], None], jobs: Sequence[AnyJob]) -> int:
    """Check them all; how many could not be."""
    # a thread knows what stands around this one, such as who listens to the log, only by a context of its own
    contexts = [copy_context() for _ in jobs]
    checks = pool.map(lambda context, job: context.run(_checked, check, job), contexts, jobs)
    return sum(not checked for checked in checks)


def _checked(check: Callable[[Job], None], job: Job) -> bool:
    try:
        with logs.about(training_id=job.id):
            check(job)
    except JobNotFound:
        logs.info("job_is_gone", training_id=job.id)
    except Conflict as error:
        logs.info("check_lost_a_race", training_id=job.id, reason=error.message)
    except ProductError as error:
        logs.warning("check_hindered", training_id=job.id, code=error.code)
        return False
    return True
