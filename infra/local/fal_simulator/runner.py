"""Processing and webhooks as one task per run, re-armed at start from what was stored."""

import asyncio
import logging
import math
import time
from dataclasses import replace

import httpx

from infra.local.fal_simulator.plans import WebhookFault
from infra.local.fal_simulator.processing import prepare
from infra.local.fal_simulator.runs import Run
from infra.local.fal_simulator.settings import SimulatorSettings
from infra.local.fal_simulator.signing import SigningKeys
from infra.local.fal_simulator.store import DeliveryAttempt, Store
from infra.local.fal_simulator.timeline import Status, moment_of, schedule_of
from infra.local.fal_simulator.webhooks import is_settled, retry_delay_s, send

log = logging.getLogger("fal_simulator")


class Runner:
    """Drives runs from stored state; arming a run twice, or after a crash, only continues it."""

    def __init__(self, settings: SimulatorSettings, store: Store, keys: SigningKeys) -> None:
        """Nothing happens before `start`."""
        self._settings, self._store, self.keys = settings, store, keys
        self._tasks: dict[str, asyncio.Task[None]] = {}
        headers = {"Accept-Encoding": "identity", "User-Agent": "fal-simulator"}
        self._client = httpx.AsyncClient(headers=headers, timeout=None, trust_env=False)

    def start(self) -> None:
        """Continue every run whose webhook is not settled."""
        for run in self._store.runs():
            self.arm(run.request_id)

    async def stop(self) -> None:
        """End all tasks; the next start continues them."""
        await self.forget_all()
        await self._client.aclose()

    async def forget_all(self) -> None:
        """End all tasks."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def arm(self, request_id: str) -> None:
        """(Re)start the run's task, which looks at the stored state afresh."""
        if request_id in self._tasks:
            self._tasks[request_id].cancel()
        self._tasks[request_id] = asyncio.create_task(self._live(request_id), name=request_id)
        self._tasks[request_id].add_done_callback(self._note_end)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if self._tasks.get(task.get_name()) is task:
            del self._tasks[task.get_name()]
        if not task.cancelled() and task.exception() is not None:
            log.error("fal_simulator_run_crashed", exc_info=task.exception(), extra={"request_id": task.get_name()})

    async def _live(self, request_id: str) -> None:
        run = self._run(request_id)
        if run.prepared is None:
            await _sleep_until(min(schedule_of(run).started_at, schedule_of(run).ended_at))
            run = await self.prepare_now(request_id)
        await _sleep_until(schedule_of(run).ended_at)
        await self._deliver_until_settled(request_id)

    def _run(self, request_id: str) -> Run:
        run = self._store.run(request_id)
        if run is None:
            raise KeyError(request_id)
        return run

    async def prepare_now(self, request_id: str) -> Run:
        """Download, read and make files, unless the run has ended without them or has them already."""
        run = self._run(request_id)
        if run.prepared is not None or moment_of(run, time.time()).status is Status.COMPLETED:
            return run
        prepared = await prepare(run, self._settings, self._client)
        return self._store.update_run(request_id, lambda current: replace(current, prepared=prepared))

    async def _deliver_until_settled(self, request_id: str) -> None:
        while not (run := self._run(request_id)).webhook_settled:
            attempts = self._store.deliveries(request_id)
            if run.webhook_url is None or run.plan.webhook is WebhookFault.LOST or is_settled(attempts, self._settings):
                self._store.update_run(request_id, lambda current: replace(current, webhook_settled=True))
                return
            await _sleep_until(self._due_at(run, attempts))
            first_of_many = run.plan.webhook is WebhookFault.DUPLICATE and not attempts
            copies = run.plan.webhook_copies if first_of_many else 1
            await asyncio.gather(*(self._attempt(run, len(attempts) + 1 + copy) for copy in range(copies)))

    def _due_at(self, run: Run, attempts: list[DeliveryAttempt]) -> float:
        if attempts:
            return attempts[-1].ended_at + retry_delay_s(len(attempts), self._settings)
        return schedule_of(run).ended_at + (run.plan.webhook_delay_s if run.plan.webhook is WebhookFault.LATE else 0)

    async def _attempt(self, run: Run, attempt: int) -> DeliveryAttempt:
        done = await send(run, attempt, self._settings, self.keys, self._client)
        self._store.add_delivery(run.request_id, done)
        return done

    async def wait_until_ended(self, request_id: str) -> None:
        """Wait for a run that is about to end."""
        while moment_of(self._run(request_id), time.time()).status is not Status.COMPLETED:
            await asyncio.sleep(0.01)

    async def deliver_now(self, request_id: str) -> DeliveryAttempt:
        """Send the webhook of an ended run once, whatever was sent before."""
        return await self._attempt(self._run(request_id), len(self._store.deliveries(request_id)) + 1)


async def _sleep_until(at: float) -> None:
    """Sleep until the wall clock says `at`; forever where it is infinite."""
    while (left := at - time.time()) > 0:
        await asyncio.sleep(3600 if math.isinf(left) else min(left, 3600))
