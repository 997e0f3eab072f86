"""Settings of the one-machine stack alone; the functions do not know them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from shared.environment import Group


class LocalBackend(StrEnum):
    """On what the functions run here."""

    EMBEDDED = "embedded"
    EMULATORS = "emulators"


class FunctionProcesses(StrEnum):
    """How the functions are divided among processes."""

    ONE = "one"
    SEPARATE = "separate"


class LocalSettings(Group):
    """How the stack is run on one machine."""

    port: int = Field(
        8080, ge=0, le=65535, description="Where the host listens, on the loopback address; 0 takes a free port"
    )
    data_dir: Path = Field(Path(".data"), description="Where everything is kept that has to survive a restart")
    tick_s: float = Field(1.0, gt=0, description="Seconds between two ticks of the monitor (Cloud Scheduler: 60)")
    retry_min_s: float = Field(0.5, ge=0, description="The first wait before a message is delivered again")
    retry_max_s: float = Field(10.0, ge=0, description="The longest wait before a message is delivered again")
    simulator_seconds: float = Field(6.0, gt=0, description="How long a simulated training takes")
    simulator_weights_mb: float = Field(4.0, gt=0, description="How large simulated weights are")


class StackSettings(LocalSettings):
    """The same, with the choice of the backend, which the functions read as `google` when it is `emulators`."""

    backend: LocalBackend = Field(LocalBackend.EMBEDDED, description="embedded or emulators")
    processes: FunctionProcesses = Field(FunctionProcesses.ONE, description="one for all functions, or separate ones")
    public_url: str = ""
    fal_queue_url: str = ""
    fal_key: str = ""
    notify_url: str = ""
    notify_secret: str = ""
