"""What is recorded about a job on its way: moves, progress, archive, claim, request, failure. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from shared.errors import ProductError, remedy_of
from shared.remedies import Remedy
from shared.stages import Stage, Status


@dataclass(frozen=True, kw_only=True)
class Move:
    """One arrival in a status; `reason` is for people."""

    status: Status
    at: datetime
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far the run is. `percent` is 0–100; `eta_s` is seconds from `updated_at`, None while unknown."""

    percent: float
    step: int | None = None
    total: int | None = None
    message: str = ""
    eta_s: float | None = None
    queue_position: int | None = None
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The archive that was made: its object's name in the datasets bucket, its size and what identifies it.

    `sha256` is of the ZIP's bytes; `fingerprint` is of the pictures and captions that are in it (names, sizes,
    checksums), so that the same ones have the same fingerprint whatever the trigger word.
    """

    archive: str
    nonce: str
    image_count: int
    caption_count: int
    bytes: int
    sha256: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to call fal.ai, once: who holds it and until when.

    `released` means that fal.ai certainly did not accept the request, so the claim may be taken again.
    """

    owner: str
    nonce: str
    lease_until: datetime
    attempt: int = 1
    released: bool = False


@dataclass(frozen=True, kw_only=True)
class SentInput:
    """What fal.ai was sent: every field as it was, but a signed URL, of which only the field's name is kept.

    `trainer_version` is that of the registry's entry from which it was made.
    """

    endpoint: str
    trainer_version: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class FalJob:
    """The request at fal.ai, as its submit answered (fal.md §1: store the URLs, never build them).

    The URLs are None where the request was recognised by its nonce instead of by the answer.
    """

    request_id: str
    nonce: str
    endpoint: str
    status_url: str | None = None
    response_url: str | None = None
    cancel_url: str | None = None
    submitted_at: datetime


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why something did not work: the code of the catalogue, the sentence, and where it happened.

    `charged` is True or False where it is known whether the run cost money, None where it is not.
    """

    code: str
    message: str
    stage: Stage
    retryable: bool
    charged: bool | None
    at: datetime

    @property
    def remedy(self) -> Remedy:
        """What helps against it, as the catalogue has it today."""
        return remedy_of(self.code)

    @classmethod
    def of(
        cls, error: ProductError, *, stage: Stage, charged: bool | None, at: datetime, message: str | None = None
    ) -> Self:
        """The record of `error`; `message` says it in other words than its own."""
        return cls(
            code=error.code,
            message=error.message if message is None else message,
            stage=stage,
            retryable=error.retryable,
            charged=charged,
            at=at,
        )
