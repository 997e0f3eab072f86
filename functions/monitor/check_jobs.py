"""The monitor's use case: one tick is one bounded pass over what is unfinished, each as `check_job` has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta

from functions.monitor.check_job import Monitor
from functions.monitor.sweep_archives import Sweeper
from shared import logs
from shared.all_jobs import AnyJob
from shared.errors import Conflict, JobNotFound, ProductError
from shared.events import CheckRequested
from shared.jobs import Job
from shared.messaging import Delivery
from shared.narrating import Narrator
from shared.tracing import processing

PARALLEL_CHECKS = 8


@dataclass(frozen=True, kw_only=True)
class Tick:
    """What one pass did, in numbers."""

    checked: int
    hindered: int
    swept: int


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
