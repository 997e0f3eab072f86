"""The webhook's use case: which paths are ours, and what is published; nothing of the body is believed."""

from __future__ import annotations

import string
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.webhook.report_result import report_result
from shared.adapters.memory import AsyncMemoryPublisher, MemoryPublisher
from shared.errors import InvalidRequest, MessagingUnavailable, ProductError, WebhookForged, WebhookKeysUnavailable
from shared.events import ResultReported
from tests.at_once import at_once

REPORTED = ResultReported(training_id="t_1", nonce="n-1", request_id="r-1")
SAFE = frozenset(f"{string.ascii_letters}{string.digits}_-")
HOSTILE_BODIES = (b"", b"{", b"\xff" * 9, b'{"request_id": "r-2", "training_id": "t_2"}', b"[" * 100_000)


class Signed:
    """A verifier for which everything is of `request_id`, or that raises."""

    def __init__(self, request_id: str = "r-1", refusal: ProductError | None = None) -> None:
        self.request_id = request_id
        self.refusal = refusal
        self.asked = 0

    async def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """The request id."""
        self.asked += 1
        if self.refusal is not None:
            raise self.refusal
        return self.request_id


def report(
    path: str, headers: Mapping[str, str], body: bytes, verifier: Signed, publisher: MemoryPublisher
) -> ResultReported:
    """Report it, with fakes that wait for nothing."""
    return at_once(report_result(path, headers, body, verifier=verifier, publisher=AsyncMemoryPublisher(publisher)))


@pytest.mark.parametrize("path", ["/t_1/n-1", "/webhooks/fal/t_1/n-1", "//t_1/n-1", "/a//b/../t_1/n-1"])
def test_the_last_two_segments_of_the_path_are_the_ids(path: str) -> None:
    publisher = MemoryPublisher()
    assert report(path, {}, b"", Signed(), publisher) == REPORTED
    assert publisher.published == [REPORTED]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//",
        "t_1",
        "/t_1",
        "/t_1/",
        "/t_1/n-1/",
        "/t_1//n-1",
        "/t_1/n-1\n",
        "/t_1\n/n-1",
        "/t_1/n-1\x00",
        "/t_1/n 1",
        "/t_1/n-1?x",
        "/t_1/n-1#x",
        "/t_1\\n-1",
        "/t_1/n%2D1",
        "/t_1/ñ",
        "/t_1/n\u0661",
        "/t_1/\ufffd",
        "/../..",
        f"/t_1/{'n' * 129}",
        f"/{'t' * 129}/n",
    ],
)
def test_a_path_that_is_not_ours_is_refused_before_any_signature_is_looked_at(path: str) -> None:
    verifier, publisher = Signed(), MemoryPublisher()
    with pytest.raises(InvalidRequest, match="exactly as it was given"):
        report(path, {}, b"", verifier, publisher)
    assert (verifier.asked, publisher.published) == (0, [])


@pytest.mark.parametrize("path", ["/" * 1_000_000 + "!", "/" * 1_000_000, "/a" * 500_000 + "!", "a" * 1_000_000])
def test_a_path_of_a_million_characters_is_looked_at_once(path: str) -> None:
    """A search that goes back for every slash would hold up all other callbacks for hours."""
    with pytest.raises(InvalidRequest):
        report(path, {}, b"", Signed(), MemoryPublisher())


@given(path=st.text("/t_1n-\n.%?#\\\x00é\u0661\ufffd", max_size=40))
def test_whatever_the_path_is_only_safe_ids_are_published(path: str) -> None:
    publisher = MemoryPublisher()
    try:
        event = report(path, {}, b"", Signed(), publisher)
    except InvalidRequest:
        assert publisher.published == []
    else:
        assert path.endswith(f"/{event.training_id}/{event.nonce}")
        assert SAFE.issuperset(event.training_id + event.nonce)


@pytest.mark.parametrize("body", HOSTILE_BODIES, ids=range(len(HOSTILE_BODIES)))
def test_nothing_of_the_body_is_believed(body: bytes) -> None:
    publisher = MemoryPublisher()
    report("/t_1/n-1", {}, body, Signed(), publisher)
    assert publisher.published == [REPORTED]


@pytest.mark.parametrize("refusal", [WebhookForged(reason="x"), WebhookKeysUnavailable(reason="x")])
def test_what_is_not_verified_is_not_published(refusal: ProductError) -> None:
    publisher = MemoryPublisher()
    with pytest.raises(type(refusal)):
        report("/t_1/n-1", {}, b"", Signed(refusal=refusal), publisher)
    assert publisher.published == []


def test_a_report_that_cannot_be_queued_is_raised_so_that_fal_ai_calls_again() -> None:
    publisher = MemoryPublisher()
    publisher.faults.fail("publish", MessagingUnavailable(reason="down"))
    with pytest.raises(MessagingUnavailable):
        report("/t_1/n-1", {}, b"", Signed(), publisher)
    report("/t_1/n-1", {}, b"", Signed(), publisher)
    assert publisher.published == [REPORTED]
