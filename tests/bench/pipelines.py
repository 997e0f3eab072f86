"""The whole pipeline on the embedded backend: our own seconds per training, and trainings per second."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from cli.client import ApiClient
from infra.local.fal_simulator.control import SimulatorControl
from infra.local.settings import LocalBackend, StackSettings
from infra.local.stack import Stack, running_stack
from tests.bench.figures import Figure, printed, within
from tests.world import jpeg

PICTURES = 12
AT_ONCE = 1000
RUNS = 5
POLL_S = 0.5
PATIENCE_S = 900.0
OURS = ("packaging", "submitting", "mirroring")


@contextmanager
def stack_with_a_shoot(backend: LocalBackend = LocalBackend.EMBEDDED) -> Iterator[tuple[Stack, ApiClient, str]]:
    """A running stack whose fal.ai needs no time, and a shoot of small pictures in it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = StackSettings(
            port=0,
            data_dir=Path(folder),
            fal_queue_url="",
            simulator_seconds=0.05,
            simulator_weights_mb=0.05,
            backend=backend,
        )
        with running_stack(settings, extra={"SAMPLE_IMAGES": "0"}) as stack, ApiClient(stack.url) as client:
            body = {"person_id": "p1", "costume_name": "Robe"}
            shoot_id = str(client.post("/v1/shoots", body, idempotency_key="shoot")["id"])
            for number in range(PICTURES):
                path = Path(folder) / f"{number:02}.jpg"
                path.write_bytes(jpeg(number, size=256))
                client.put_file(f"/v1/shoots/{shoot_id}/files/{path.name}", path, "image/jpeg", lambda _: None)
            yield stack, client, shoot_id


def _start(client: ApiClient, shoot_id: str, key: str) -> str:
    wish = {"shoot_id": shoot_id, "trigger_word": "TOK", "parameters": {"steps": 10}, "force": True}
    return str(client.post("/v1/trainings", wish, idempotency_key=key)["id"])


def _ended(client: ApiClient, training_id: str) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE_S
    while (training := client.get(f"/v1/trainings/{training_id}"))["status"] not in ("succeeded", "failed"):
        if time.monotonic() > end:
            raise TimeoutError(f"{training_id} is still {training['status']}")
        time.sleep(0.05)
    assert training["status"] == "succeeded", training
    return training


def pipeline_overhead() -> Iterator[Figure]:
    """One training at a time: everything but what fal.ai took."""
    note = f"{PICTURES} pictures of 256 × 256, embedded"
    yield within("pipeline_overhead", own_seconds(LocalBackend.EMBEDDED), "s", 1, note=note)


def own_seconds(backend: LocalBackend) -> float:
    """What a training takes of us on that backend, the median of some, one after another."""
    with stack_with_a_shoot(backend) as (stack, client, shoot_id):
        seconds = [_own_seconds(stack, _ended(client, _start(client, shoot_id, f"one {n}"))) for n in range(RUNS)]
    return median(seconds)


def _own_seconds(stack: Stack, training: dict[str, Any]) -> float:
    """From the press to the model, without the time from fal.ai's acceptance until it called back."""
    assert stack.simulator_url is not None
    with SimulatorControl(stack.simulator_url) as simulator:
        run = simulator.requests()[-1]
    moves = [datetime.fromisoformat(move["at"]) for move in training["history"]]
    return (moves[-1] - moves[0]).total_seconds() - float(run["deliveries"][0]["sent_at"] - run["accepted_at"])


def pipeline_throughput() -> Iterator[Figure]:
    """A thousand trainings at once, until the last model is kept."""
    with stack_with_a_shoot() as (stack, client, shoot_id):
        began = time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            ids = list(pool.map(lambda n: _start(client, shoot_id, f"many {n}"), range(AT_ONCE)))
        trainings = [_ended(client, training_id) for training_id in ids]
        taken = time.perf_counter() - began
        assert stack.simulator_url is not None
        with SimulatorControl(stack.simulator_url) as simulator:
            billed = simulator.billing()["billed_runs"]
    note = f"{AT_ONCE:,} at once, billed {billed:,}; share of the time: {_shares(trainings)}"
    yield printed("pipeline_throughput", AT_ONCE / taken, "1/s", note=note)
    exact = Figure(name="pipeline_billed", value=billed, unit="runs", goal=f"= {AT_ONCE:,}", held=billed == AT_ONCE)
    yield exact


def _shares(trainings: Sequence[dict[str, Any]]) -> str:
    spent: Counter[str] = Counter()
    for training in trainings:
        spent.update(training["stages"])
    whole = sum(spent.values())
    return ", ".join(f"{stage} {seconds / whole:.0%}" for stage, seconds in spent.most_common())
