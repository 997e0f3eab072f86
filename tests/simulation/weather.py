"""How bad a schedule is: how likely each kind of fault is, and which services are out when. Drawn from the seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.errors import (
    ArtifactUnavailable,
    DatabaseUnavailable,
    MessagingUnavailable,
    NotificationUndelivered,
    ProductError,
    StorageUnavailable,
    TrainerUnavailable,
)
from tests.simulation.fate import Fate

# After this long no fault begins any more: whatever is left has to come to its end.
CALM_AFTER_S = 2 * 60 * 60.0

OUTAGES: Mapping[str, type[ProductError]] = {
    "database": DatabaseUnavailable,
    "storage": StorageUnavailable,
    "messaging": MessagingUnavailable,
    "fal": TrainerUnavailable,
    "media": ArtifactUnavailable,
    "receiver": NotificationUndelivered,
}


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A service that fails every call for a while, in seconds of virtual time."""

    begins_s: float
    ends_s: float


@dataclass(frozen=True, kw_only=True)
class Weather:
    """Probabilities per port call, per message and per run, and the outages."""

    crash: float
    fail: float
    slow: float
    message: float
    webhook: float
    submit: float
    run: float
    media: float
    user: float
    outages: Mapping[str, Outage] = field(default_factory=dict)


def weather_of(fate: Fate) -> Weather:
    """The weather of a seed: some are calm but for one kind of fault, some have everything at once."""

    def level(kind: str, *levels: float) -> float:
        return fate.pick(f"weather {kind}", levels)

    return Weather(
        crash=level("crash", 0.0, 0.005, 0.02, 0.08),
        fail=level("fail", 0.0, 0.005, 0.03, 0.15),
        slow=level("slow", 0.0, 0.003, 0.02),
        message=level("message", 0.0, 0.1, 0.5),
        webhook=level("webhook", 0.0, 0.2, 0.6),
        submit=level("submit", 0.0, 0.1, 0.4),
        run=level("run", 0.0, 0.15, 0.4),
        media=level("media", 0.0, 0.1, 0.4),
        user=level("user", 0.0, 0.3, 0.7),
        outages={name: _outage(fate, name) for name in OUTAGES if fate.strikes(f"{name} outage", 0.12)},
    )


def _outage(fate: Fate, name: str) -> Outage:
    begins = fate.between(f"{name} outage begins", 0, 1800)
    return Outage(begins_s=begins, ends_s=begins + fate.between(f"{name} outage lasts", 30, 3600))
