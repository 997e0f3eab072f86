"""What can be set about a simulator: where it keeps its state and how much time it compresses."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SimulatorSettings:
    """Everything a simulator is told at start; times in seconds, each a default that a test can shrink.

    `port` 0 means any free one. A run's pace is copied into the run when it is accepted, so that a restart
    with other settings leaves it alone. Webhook timeouts are fal.md §2's real ones, delays are compressed.

    `host`, `public_url` and `key` are for a simulator that others reach: then it takes requests with that key only,
    and cannot be controlled.
    """

    data_dir: Path
    port: int = 0
    seconds_per_training: float = 6.0
    queue_share: float = 0.25
    weights_mb: float = 4.0
    webhook_first_timeout_s: float = 15.0
    webhook_later_timeout_s: float = 120.0
    webhook_first_retry_s: float = 0.5
    webhook_longest_retry_s: float = 10.0
    webhook_retries: int = 31
    archive_timeout_s: float = 60.0
    archive_patience_s: float = 20.0
    max_archive_bytes: int = 8 * 2**30
    list_lag_s: float = 0.0
    stream_interval_s: float = 0.1
    user_id: str = "simulated-fal-user"
    host: str = "127.0.0.1"
    public_url: str = ""
    key: str = field(default="", repr=False)

    @property
    def base_url(self) -> str:
        """The address that every URL in an answer starts with."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    @property
    def queue_s(self) -> float:
        """How long a run waits in the queue."""
        return self.seconds_per_training * self.queue_share

    @property
    def training_s(self) -> float:
        """How long a run trains once it has left the queue."""
        return self.seconds_per_training - self.queue_s
