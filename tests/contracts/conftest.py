"""The backends as fixtures: every test that takes `backend` or `objects` runs against each of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from shared.ports import Objects
from tests.contracts.backend import Backend, embedded_backend, memory_backend


@pytest.fixture(scope="session")
def google() -> Iterator[Backend]:
    """The Google Cloud adapters on the emulators, started once: `google_backend` builds it or skips with a reason."""
    module: Any = pytest.importorskip(
        "tests.contracts.google_backend",
        reason="tests/contracts/google_backend.py, which starts the emulators, is missing",
    )
    with ExitStack() as stack:
        built = module.google_backend()
        yield stack.enter_context(built) if isinstance(built, AbstractContextManager) else built


@pytest.fixture(params=["memory", "embedded", "google"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each backend in turn."""
    if request.param == "memory":
        yield memory_backend()
    elif request.param == "embedded":
        with embedded_backend(tmp_path) as embedded:
            yield embedded
    else:
        yield request.getfixturevalue("google")


@pytest.fixture
def objects(backend: Backend) -> Objects:
    """An empty bucket of the backend."""
    return backend.objects(f"contract-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def own() -> str:
    """A word that no other test uses, for ids and owners."""
    return uuid.uuid4().hex[:12]
