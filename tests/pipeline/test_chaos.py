"""The promises under a storm: real processes killed, messages doubled and lost, fal.ai on a bad day, users who change
their minds.

The tests raise a short storm, in which every kind of blow falls; `make chaos` raises the long one, and `CHAOS_SEED=n`
another.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import ExitStack
from math import ceil
from pathlib import Path

import httpx
import pytest

from infra.local.emulators import missing_emulators
from infra.local.servers import FUNCTIONS
from infra.local.settings import FunctionProcesses, LocalBackend, StackSettings
from infra.local.stack import SIMULATOR
from shared.stages import Status
from tests.evidence import Evidence
from tests.pipeline.chaos_plan import Act, plan_of
from tests.pipeline.conftest import pictures, running_system
from tests.pipeline.stores import stores_of
from tests.pipeline.storm import Storm

# Every wait that a crash leads to is short enough to end within the test.
QUICK = {
    "CLAIM_LEASE_S": "1",
    "STALLED_S": "1.5",
    "MIRROR_STALLED_S": "2",
    "DEADLINE_SUBMITTING_S": "9",
    "DEADLINE_MIRRORING_S": "10",
    "FAL_TIMEOUT_S": "3",
}
# a short storm is a fourth of the long one in everything, and of nothing less than one
SHARE = 1 if os.environ.get("CHAOS") == "long" else 4
TRAININGS = ceil(50 / SHARE)
ACTS = {Act.DELIVER_TWICE: 24, Act.CALL_AGAIN: 6, Act.CANCEL: 8, Act.RETRY: 4, Act.REBOOT: 1}
STORMS = {
    LocalBackend.EMBEDDED: (FunctionProcesses.ONE, ("host", "host", "host", SIMULATOR), {**ACTS, Act.KILL: 8}),
    LocalBackend.EMULATORS: (
        FunctionProcesses.SEPARATE,
        (*FUNCTIONS, SIMULATOR),
        {**ACTS, Act.KILL: 10, Act.HOLD_UP: 4, Act.DELIVER_TWICE: 16, Act.LOSE_MESSAGES: 1},
    ),
}


def settings_of(backend: LocalBackend, data_dir: Path) -> StackSettings:
    return StackSettings(
        port=0,
        data_dir=data_dir,
        backend=backend,
        processes=STORMS[backend][0],
        tick_s=0.7,
        retry_min_s=0.2,
        retry_max_s=1.0,
        simulator_seconds=1.5,
        simulator_weights_mb=0.1,
        fal_queue_url="",
    )


@pytest.mark.parametrize("backend", LocalBackend)
def test_in_a_storm_nothing_is_paid_twice_nothing_paid_is_lost_and_everybody_is_told(
    tmp_path: Path, backend: LocalBackend
) -> None:
    if backend is LocalBackend.EMULATORS and (missing := missing_emulators()):
        pytest.skip(missing)
    _, victims, long = STORMS[backend]
    acts = {act: ceil(times / SHARE) for act, times in long.items()}
    seed = int(os.environ.get("CHAOS_SEED", "20261122"))
    plan = plan_of(seed, trainings=TRAININGS, shoots=2, victims=victims, acts=acts)
    with ExitStack() as cleanup:
        system = running_system(settings_of(backend, tmp_path), cleanup, **QUICK)
        pushes = cleanup.enter_context(httpx.Client(timeout=30, trust_env=False))
        storm = Storm(system.stack, system.fal, stores_of(system.stack), plan, pushes)
        storm.rage([system.shoot(pictures(captions=1)) for _ in range(2)])
        storm.settle()
        storm.recover_all()
        storm.deliver_everything_again()
        calm = storm.settle()
        # half-written ZIPs of killed processes: pictures of people
        assert list((tmp_path / "objects" / ".tmp").glob("*")) == []
    sys.stdout.write(
        f"{backend} CHAOS_SEED={plan.seed} {tale_of(calm)} {dict(storm.struck)} recovered={storm.recovered}\n"
    )
    # a storm in which little was trained or little was struck would show nothing
    assert len(calm.trainings) >= TRAININGS
    assert sum(training.status is Status.SUCCEEDED for training in calm.trainings) >= TRAININGS / 4, tale_of(calm)
    assert sum(storm.struck.values()) == sum(acts.values())


def tale_of(calm: Evidence) -> dict[str, int]:
    """How many trainings ended how."""
    ends = (f"{t.status} {t.error.code}" if t.error else str(t.status) for t in calm.trainings)
    return dict(Counter(ends))
