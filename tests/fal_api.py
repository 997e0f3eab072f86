"""fal.ai's queue as a test scripts it, and the trainer that speaks to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from shared.adapters.fal.trainer import FalTrainer
from shared.ports import Submission
from shared.settings import FalSettings
from shared.training_records import FalJob
from tests.scripted_server import Reply

ENDPOINT = "fal-ai/flux-lora-fast-training"
NONCE = "n0nce-0123456789abcdef"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WEBHOOK = f"https://app.example/webhooks/fal?training=t_1&nonce={NONCE}"
SUBMISSION = Submission(
    endpoint=ENDPOINT,
    arguments={"images_data_url": f"https://127.0.0.1:1/{NONCE}.zip?X-Signature=s3cret", "steps": 10},
    webhook_url=WEBHOOK,
    nonce=NONCE,
)
JOB = FalJob(request_id="r-1", nonce=NONCE, endpoint=ENDPOINT, submitted_at=NOW)


class FixedClock:
    """Always the same time."""

    def now(self) -> datetime:
        """The time."""
        return NOW


def a_trainer(
    url: str, *, key: str = "key-id:key-secret", timeout_s: float = 5.0, pauses_s: Sequence[float] = (0.01, 0.01)
) -> FalTrainer:
    """A trainer whose queue and request list are at `url`."""
    settings = FalSettings.model_validate(
        {"fal_key": key, "fal_queue_url": url, "fal_api_url": url, "fal_timeout_s": timeout_s}
    )
    return FalTrainer(settings, FixedClock(), pauses_s=pauses_s)


def says(body: object, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body=json.dumps(body).encode(), headers=named)
