"""The key with which a user's request is the same one, however often it is sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

# No key of a user's holds the character that every key of our own begins with (`derived_key` in shared/jobs.py).
# Servers refuse it before, in any header; here it is said once more, because money hangs on it.
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[^\x00]*$")
]
