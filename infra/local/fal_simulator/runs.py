"""A run: everything that is kept about one accepted request, as frozen values that go to SQLite as JSON."""

import hashlib
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from infra.local.fal_simulator.archive import ArchiveFindings
from infra.local.fal_simulator.pictures import PictureOrder, pictures_at
from infra.local.fal_simulator.plans import FaultPlan
from infra.local.fal_simulator.trainers import Order, trainer_at
from shared.trainers import TrainerSpec
from shared.trainers.entry import Pictures


@dataclass(frozen=True)
class Failure:
    """An error as the result replays it (fal.md §1): a model's detail list, or text with an error_type.

    `after_s` is how long the run trains before it fails; `told_in_status` whether the status mentions it.
    """

    status_code: int
    detail: list[dict[str, Any]] | str
    error_type: str | None = None
    after_s: float = 0.0
    told_in_status: bool = True

    @property
    def body(self) -> dict[str, Any]:
        """The body of the result."""
        return {"detail": self.detail} | ({"error_type": self.error_type} if self.error_type else {})

    @property
    def headers(self) -> dict[str, str]:
        """The error type and the retry hint of infrastructure errors."""
        if self.error_type is None:
            return {}
        retryable = "true" if self.status_code in (503, 504) else "false"
        return {"X-Fal-Error-Type": self.error_type, "X-Fal-Retryable": retryable}


@dataclass(frozen=True)
class Artifact:
    """A file that the run produced; `path` and `bad_path` are relative to the data directory."""

    output_field: str
    file_name: str
    content_type: str
    size: int
    sha256: str
    path: str
    bad_path: str | None = None


@dataclass(frozen=True)
class Checkpoint:
    """The weights that a run begins with, after they were really fetched and read."""

    bytes: int
    sha256: str
    tensors: int


@dataclass(frozen=True)
class Prepared:
    """What processing found and made: the archive's content, and either files or a failure."""

    at: float
    archive: ArchiveFindings | None = None
    failure: Failure | None = None
    artifacts: tuple[Artifact, ...] = ()
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True)
class Run:
    """One accepted request. What it does at any time follows from these values alone (see timeline.py)."""

    request_id: str
    gateway_request_id: str
    endpoint: str
    owner: str
    input: dict[str, Any]
    order: Order | None
    webhook_url: str | None
    headers: dict[str, str]
    plan: FaultPlan
    accepted_at: float
    queue_s: float
    training_s: float
    start_timeout_s: float | None = None
    prepared: Prepared | None = None
    canceled_at: float | None = None
    hurried_at: float | None = None
    webhook_settled: bool = False
    picture_order: PictureOrder | None = None
    forgotten: bool = False

    @property
    def trainer(self) -> TrainerSpec:
        """The trainer's entry in the registry; only what has one was accepted."""
        spec = trainer_at(self.endpoint)
        assert spec is not None
        return spec

    @property
    def pictures(self) -> Pictures | None:
        """How its endpoint makes pictures; None where it trains."""
        return pictures_at(self.endpoint)

    @property
    def app(self) -> str:
        """The endpoint's first two segments, with which request URLs begin (the rules vary, fal.md §1)."""
        return "/".join(self.endpoint.split("/")[:2])

    @property
    def file_token(self) -> str:
        """The folder of this run's files in media URLs; it does not reveal the request id."""
        return hashlib.sha256(f"files:{self.request_id}".encode()).hexdigest()[:24]


_RUN = TypeAdapter(Run)


def run_to_json(run: Run) -> str:
    """Serialise for the store."""
    return _RUN.dump_json(run).decode()


def run_from_json(text: str) -> Run:
    """Read what `run_to_json` wrote."""
    return _RUN.validate_json(text)
