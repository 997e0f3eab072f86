"""What fal.ai answered, however odd: what is read from it can be stored, shown and compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.fal.answers import Answer, artifacts_of, complaint_of, parse_object, run_status
from shared.adapters.fal.wire import own_url

ODD_TEXT = st.sampled_from(
    ["\ud83d", "a\udc00", "😀", "https://\ud83d/", "https://queue.fal.run@x", "\x00", "IN_QUEUE"]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD_TEXT | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("status", "logs", "queue_position", "detail", "error_type", "message", "msg", "loc", "url", "file_size")
ANY_ANSWER = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), ANY_JSON, max_size=5)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb'{"a": "\ud83d\ude00"}', "😀"),
        (rb'{"a": "cut: \ud83d"}', "cut: ?"),
        (rb'{"a": "\ude00\ud83d"}', "??"),
        (b'{"a": "\xed\xa0\xbd"}', "\ufffd\ufffd\ufffd"),
        (b'{"a": "\xff"}', "\ufffd"),
        (b'\xef\xbb\xbf{"a": "with a BOM"}', "with a BOM"),
    ],
)
def test_half_of_a_character_becomes_a_question_mark(body: bytes, text: str) -> None:
    """Whoever cuts a log line by UTF-16 units halves an emoji, and no database takes the half."""
    assert parse_object(body) == {"a": text}


def test_it_does_so_in_every_text_of_an_answer() -> None:
    found = parse_object(rb'{"\ud83d": ["\ud83d", {"b": "\udc00", "n": 1.5, "t": true, "z": null}]}')
    assert found == {"?": ["?", {"b": "?", "n": 1.5, "t": True, "z": None}]}


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"7", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000])
def test_what_is_no_object_is_none(body: bytes) -> None:
    assert parse_object(body) is None


@pytest.mark.parametrize("number", ["1e30", "1e999", "-1", "1.5", "true", '"7"', "9" * 30, "NaN"])
def test_a_number_that_no_database_takes_is_no_number(number: str) -> None:
    status = run_status(parse_object(f'{{"status": "IN_QUEUE", "queue_position": {number}}}'.encode()))
    assert status is not None
    assert status.queue_position is None
    output = parse_object(f'{{"file": {{"url": "https://a", "file_size": {number}}}}}'.encode())
    assert output is not None
    assert artifacts_of(output)["file"].size is None


@given(content=ANY_ANSWER)
def test_whatever_is_answered_is_understood_or_passed_over(content: dict[str, Any]) -> None:
    answer = Answer(status=500, headers={}, body=json.dumps(content).encode())
    assert answer.json is not None
    status, complaint = run_status(answer.json), complaint_of(answer)
    shown = [answer.error_type, complaint.reason, complaint.field or "", *(status.log if status else ())]
    assert complaint.reason
    assert all(text.encode() is not None for text in shown)
    for artifact in artifacts_of({"file": answer.json}).values():
        assert artifact.url.encode()
        assert own_url(artifact.url, "https://queue.fal.run") is None


@pytest.mark.parametrize(
    "url", ["https://queue.fal.run/\ud800", "https://\ud800", "https://queue.fal.run:port/", 7, None, ""]
)
def test_an_address_that_is_none_is_not_ours(url: object) -> None:
    assert own_url(url, "https://queue.fal.run") is None
