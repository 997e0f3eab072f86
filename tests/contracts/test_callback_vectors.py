"""Callbacks signed by an implementation that is not ours: what is genuine is taken, and nothing else is (fal.md §2)."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.adapters.fal.webhooks import FalWebhookVerifier
from shared.errors import WebhookForged
from shared.settings import FalSettings, WebhookSettings
from tests.fal_vectors.make_callbacks import FILE, NOW, vectors
from tests.scripted_server import Reply, scripted_server

VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text())


class AtTheirTime:
    """The time at which all of them arrive."""

    def now(self) -> datetime:
        """That time."""
        return datetime.fromtimestamp(NOW, UTC)


Verify = Callable[[dict[str, Any]], str]


@pytest.fixture(scope="module")
def verify() -> Iterator[Verify]:
    """Verifies a callback with a verifier that knows its keys, fetched over HTTP once for all that have the same."""
    verifiers: dict[tuple[str, str], FalWebhookVerifier] = {}

    def verified(vector: dict[str, Any]) -> str:
        published, user_id = json.dumps({"keys": vector["keys"]}), vector["user_id"]
        server.script = lambda asked: Reply(body=published.encode())
        settings = FalSettings(fal_jwks_url=f"{server.url}/jwks.json", fal_user_id=user_id)
        fresh = FalWebhookVerifier(settings, WebhookSettings(), AtTheirTime())
        verifier = verifiers.setdefault((published, user_id), fresh)
        return asyncio.run(verifier.verify(vector["headers"], base64.b64decode(vector["body"])))

    with scripted_server(lambda asked: Reply()) as server:
        yield verified


def test_the_file_is_what_its_script_makes() -> None:
    assert vectors() == VECTORS, "python -m tests.fal_vectors.make_callbacks"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_callback_proves_what_it_has_to(verify: Verify, vector: dict[str, Any]) -> None:
    if vector["request_id"] is not None:
        assert verify(vector) == vector["request_id"]
    else:
        with pytest.raises(WebhookForged, match=vector["reason"]):
            verify(vector)
