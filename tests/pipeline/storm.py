"""A storm over a running stack: the orders and blows of a plan, and the calm after it in which the rules must hold."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

import httpx

from cli.client import ApiClient, ApiProblem
from infra.local.fal_simulator.control import SimulatorControl
from infra.local.stack import Stack
from shared.errors import ProductError
from shared.events import Event
from shared.stages import Status
from shared.trainings import Training
from tests.evidence import Evidence
from tests.pipeline import blows
from tests.pipeline.chaos_plan import Act, Blow, Order, Plan
from tests.pipeline.stores import Stores
from tests.rules import broken
from tests.wiring import envelope

CALM_S = 60.0
LOOK_S = 0.5
WATCH_S = 1.0
# so long nobody may have looked: a few ticks of the monitor
PATIENCE = timedelta(seconds=5)
# a user who tries again until she is answered, as the console does
STUBBORN = (0.1, *(0.3,) * 200)

T = TypeVar("T")


@dataclass
class Storm:
    """What is done to `stack`, and what was seen meanwhile."""

    stack: Stack
    fal: SimulatorControl
    stores: Stores
    plan: Plan
    pushes: httpx.Client
    diary: list[str] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    recovered: int = 0
    seen: dict[tuple[str, int], Training] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)

    def rage(self, shoots: Sequence[str]) -> None:
        """Carry out the plan: what users and fal.ai do in threads, what is killed one after the other."""
        for order in self.plan.orders:
            if order.faults:
                self.fal.plan({"trigger_word": order.trigger}, **order.faults)
        self.begun = time.monotonic()
        with ApiClient(self.stack.url, pauses_s=STUBBORN) as api, self._watched(), ThreadPoolExecutor(12) as people:
            orders = [people.submit(self._order, api, order, shoots[order.shoot]) for order in self.plan.orders]
            acts = [act for blow in self.plan.blows for act in self._struck(blow, api, people)]
            for future in (*orders, *acts):
                future.result()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Remember how trainings stand while the block runs."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(WATCH_S):
                self._look()

        watcher = threading.Thread(target=watch, name="watcher")
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def settle(self) -> Evidence:
        """Wait until every training has ended and every rule holds; fails with the story of those that do not."""
        end = time.monotonic() + CALM_S
        while True:
            everything_ended = all(training.is_terminal for training in self._look())
            wrong = ["some have not ended"]
            if everything_ended:
                evidence = self._evidence()
                if not (wrong := self._wrong(evidence)):
                    return evidence
            if time.monotonic() > end:
                raise AssertionError(self._report(self._wrong(self._evidence()) or wrong))
            time.sleep(LOOK_S)

    def recover_all(self) -> None:
        """Every user presses Retry where paid weights may be fetched again."""
        recoverable = [training for training in self._look() if training.is_recoverable]
        with ApiClient(self.stack.url) as api:
            for training in recoverable:
                api.post(f"/v1/trainings/{training.id}/retry")
        self.recovered = len(recoverable)

    def deliver_everything_again(self) -> None:
        """Deliver every message of every training once more, now that all have ended."""
        with ThreadPoolExecutor(8) as pool:
            for training in self._look():
                for function, event in blows.messages_about(training, self.stores.datasets):
                    pool.submit(self._deliver, function, event)

    def _order(self, api: ApiClient, order: Order, shoot: str) -> None:
        time.sleep(max(0.0, self.begun + order.at_s - time.monotonic()))
        wanted = {"shoot_id": shoot, "trigger_word": order.trigger, "parameters": {"steps": 100}}
        api.post("/v1/trainings", wanted, idempotency_key=order.trigger)

    def _struck(self, blow: Blow, api: ApiClient, people: ThreadPoolExecutor) -> Iterator[Future[None]]:
        """Let a blow fall; those that need an answer fall in a thread, or the next ones would wait for it."""
        time.sleep(blow.pause_s)
        self._note(f"{blow.act} {blow.victim}")
        self.struck[f"{blow.act} {blow.victim}".strip()] += 1
        match blow.act:
            case Act.KILL:
                blows.kill_and_start(self.stack, blow.victim)
            case Act.HOLD_UP:
                yield people.submit(blows.hold_up, self.stack, blow.victim)
            case Act.REBOOT:
                blows.reboot(self.stack)
            case Act.LOSE_MESSAGES:
                blows.lose_messages(self.stack)
            case Act.DELIVER_TWICE:
                yield people.submit(self._deliver_twice, blow.choice)
            case Act.CALL_AGAIN:
                yield people.submit(self._call_again, blow.choice)
            case Act.CANCEL:
                yield people.submit(self._cancel, api, blow.choice)
            case Act.RETRY:
                yield people.submit(self._retry, api, blow.choice)

    def _deliver_twice(self, choice: float) -> None:
        if (training := chosen(list(self.seen.values()), choice)) is None:
            return
        if (message := chosen(list(blows.messages_about(training, self.stores.datasets)), choice * 7 % 1)) is None:
            return
        with ThreadPoolExecutor(2) as both:
            for _attempt in range(2):
                both.submit(self._deliver, *message)

    def _deliver(self, function: str, event: Event) -> None:
        # what is not acked is what Pub/Sub would deliver again: here it is lost, which it may be
        with suppress(httpx.TransportError):
            self.pushes.post(self.stack.endpoints[function], content=envelope(event))

    def _call_again(self, choice: float) -> None:
        with suppress(httpx.HTTPError):
            ended = [row["request_id"] for row in self.fal.requests() if row["status"] == "COMPLETED"]
            if (request_id := chosen(ended, choice)) is not None:
                self.fal.deliver(request_id)

    def _cancel(self, api: ApiClient, choice: float) -> None:
        under_way = [training for training in self._look() if not training.is_terminal]
        if (training := chosen(under_way, choice)) is not None:
            outcome = api.post(f"/v1/trainings/{training.id}/cancel")["outcome"]
            self._note(f"{training.id} was {training.status}: cancel was answered with {outcome}")

    def _retry(self, api: ApiClient, choice: float) -> None:
        ended = [training for training in self._look() if training.is_terminal]
        if (training := chosen(ended, choice)) is not None:
            # what succeeded cannot be retried, and says so
            with suppress(ApiProblem):
                api.post(f"/v1/trainings/{training.id}/retry")

    def _look(self) -> tuple[Training, ...]:
        """The trainings as they are now; how each has stood is remembered."""
        with suppress(ProductError):
            now = self.stores.all_trainings()
            self.seen = {**self.seen, **{(training.id, len(training.history)): training for training in now}}
            return now
        return ()

    def _wrong(self, evidence: Evidence) -> list[str]:
        """What breaks a rule, and who failed for a reason that the storm does not give."""
        failed = [(t, t.error.code) for t in evidence.trainings if t.status is Status.FAILED and t.error]
        odd = [(t, code) for t, code in failed if not self.plan.order_of(t.trigger_word).explains(code)]
        return broken(evidence) + [f"{t.id} failed with {code}, and nothing was done to it" for t, code in odd]

    def _evidence(self) -> Evidence:
        seen = self.stores.evidence(self.fal, earlier=tuple(self.seen.values()), patience=PATIENCE)
        # what Pub/Sub's emulator had is gone after a reboot, which Pub/Sub itself never does
        return replace(seen, messages_were_lost=self.stack.emulators is not None)

    def _note(self, sentence: str) -> None:
        self.diary.append(f"{time.monotonic() - self.begun:6.2f} s  {sentence}")

    def _report(self, wrong: Sequence[str]) -> str:
        """Which rules are broken, what was done, and everything about the trainings that are named."""
        text = "\n".join(wrong)
        named = [t for t in self._look() if t.id in text or not t.is_terminal]
        stories = "\n\n".join(self._story(training) for training in named[:10])
        return f"seed {self.plan.seed}\n{text}\n\n" + "\n".join(self.diary) + f"\n\n{stories}"

    def _story(self, training: Training) -> str:
        order = self.plan.order_of(training.trigger_word)
        moves = [f"  {move.at:%H:%M:%S.%f} {move.status} {move.reason}" for move in training.history]
        runs = [f"  {run}" for run in map(str, self._runs(training.id))]
        told = [
            f"  {event}"
            for entry in self.stores.stories.list_for_training(training.id, limit=100)
            for event in entry.events
        ]
        facts = [f"{training.id}: {dict(order.faults)}", f"  {training.error}", f"  {training.hindrance}"]
        return "\n".join((*facts, *moves, *runs, *told))

    def _runs(self, training_id: str) -> list[object]:
        return [
            {name: row[name] for name in ("request_id", "status", "billed", "deliveries", "canceled_at")}
            for row in self.fal.requests()
            if training_id in row["webhook_url"]
        ]


def chosen(among: Sequence[T], choice: float) -> T | None:
    """The one that `choice`, from 0 to 1, falls on; None where there is none."""
    return among[int(choice * len(among))] if among else None
