"""A storm as a plan: who is ordered when, what fal.ai does wrong, and which blow falls when on whom. Pure.

The same seed gives the same plan. What is hit by a blow depends on how far the processes have come by then, so a story
is repeated in its outline, not to the microsecond.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import cycle
from random import Random
from typing import Any

# the orders come within so long, and the pauses between the blows are so long together
ORDERS_S = 4.5
STORM_S = 6.0
# fal.ai on a bad day, as often as on a good one
FAULTS: Sequence[Mapping[str, Any]] = (
    {"webhook": "lost"},
    {"webhook": "duplicate"},
    {"webhook": "duplicate", "webhook_copies": 5},
    {"webhook": "late", "webhook_delay_s": 1.5},
    {"webhook": "early"},
    {"webhook": "forged"},
    {"webhook": "lost", "status": "error_500_times", "status_errors": 2},
    {"submit": "drop_after"},
    {"submit": "drop_after", "webhook": "lost"},
    {"submit": "unavailable_503_after"},
    {"submit": "slow_after", "submit_delay_s": 0.7},
    {"submit": "slow_after", "submit_delay_s": 0.7, "webhook": "early"},
    {"submit": "rate_limited_429"},
    {"submit": "drop_before"},
    {"submit": "rejected_422"},
    {"run": "fail_500"},
    {"run": "fail_422", "bill_422": True},
    {"run": "retried"},
    {"result": "error_500_times", "result_errors": 2},
    {"artifacts": "truncated", "artifact_times": 1},
    {"artifacts": "corrupt"},
    {"artifacts": "slow", "artifact_bytes_per_s": 200_000},
    {"cancel": "too_late"},
    {"cancel": "ignored"},
)
# what a training may fail with because fal.ai was told to do wrong, and never otherwise
CODES_OF_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "training_failed": {"run": ("fail_500", "fail_422")},
    "trainer_rejected_input": {"submit": ("rejected_422",), "run": ("fail_422",)},
    "artifact_corrupt": {"artifacts": ("corrupt",)},
}
# what it may fail with because processes and connections died; whether it ever should depends on the deadlines
CODES_OF_STORMS = frozenset(
    {
        "submission_uncertain",
        "trainer_unavailable",
        "artifact_unavailable",
        "storage_unavailable",
        "database_unavailable",
        "messaging_unavailable",
        "timed_out",
    }
)


class Act(StrEnum):
    """What a blow does."""

    KILL = "kill"
    HOLD_UP = "hold up"
    REBOOT = "reboot"
    LOSE_MESSAGES = "lose messages"
    DELIVER_TWICE = "deliver twice at once"
    CALL_AGAIN = "call back again"
    CANCEL = "cancel"
    RETRY = "retry"


@dataclass(frozen=True, kw_only=True)
class Order:
    """A press of the button `at_s` seconds into the storm, and what fal.ai is to do wrong with it."""

    at_s: float
    trigger: str
    shoot: int
    faults: Mapping[str, Any] = field(default_factory=dict)

    def explains(self, code: str) -> bool:
        """Whether a training of this order may fail with `code`."""
        causes = CODES_OF_FAULTS.get(code, {})
        return code in CODES_OF_STORMS or any(self.faults.get(where) in faults for where, faults in causes.items())


@dataclass(frozen=True, kw_only=True)
class Blow:
    """What happens `pause_s` seconds after the blow before; `choice`, from 0 to 1, picks among what is there then."""

    pause_s: float
    act: Act
    victim: str = ""
    choice: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One storm."""

    seed: int
    orders: tuple[Order, ...]
    blows: tuple[Blow, ...]

    def order_of(self, trigger: str) -> Order:
        """The order with that trigger word."""
        return next(order for order in self.orders if order.trigger == trigger)


def plan_of(seed: int, *, trainings: int, shoots: int, victims: Sequence[str], acts: Mapping[Act, int]) -> Plan:
    """The storm of this seed over so many trainings: each of `acts` so often, with the kills dealt out to `victims`."""
    chance = Random(seed)
    orders = (
        Order(
            at_s=chance.uniform(0, ORDERS_S),
            trigger=f"S{seed}x{number}",
            shoot=chance.randrange(shoots),
            faults=chance.choice(FAULTS) if chance.random() < 0.5 else {},
        )
        for number in range(trainings)
    )
    struck = [act for act, times in acts.items() for _ in range(times)]
    chance.shuffle(struck)
    next_victim = cycle(chance.sample(victims, len(victims)))
    blows = (
        Blow(
            pause_s=chance.uniform(0, 2 * STORM_S / len(struck)),
            act=act,
            victim=next(next_victim) if act in (Act.KILL, Act.HOLD_UP) else "",
            choice=chance.random(),
        )
        for act in struck
    )
    return Plan(seed=seed, orders=tuple(sorted(orders, key=lambda order: order.at_s)), blows=tuple(blows))
