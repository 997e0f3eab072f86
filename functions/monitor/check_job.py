"""The monitor's look at one job that is unfinished: it asks, announces and times out.

It never does another function's work: a result that it finds is reported as if the webhook had come, a stage that
stalled is announced again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from functions.monitor.look_back import look_back
from functions.monitor.progress import progress_of
from shared import logs
from shared.all_jobs import AnyJob, Jobs
from shared.announcing import requested_event
from shared.errors import Conflict, ProductError, SubmissionUnconfirmed
from shared.events import CheckRequested, ResultReported
from shared.finishing import finish_job
from shared.jobs import STOPPED_AT_FAL, Job
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
from shared.training_records import FalJob, Progress

NOT_LISTED = "its request list does not show it yet"


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


def check_one(event: CheckRequested, monitor: Monitor) -> Job:
    """Look after one job now, because its user asks; the job as it then is. Raises what `check` raises."""
    replace(monitor, asked=True).check(monitor.jobs.get(event.training_id))
    return monitor.jobs.get(event.training_id)
