"""The road that requests and messages are on: what is believed of headers, what is logged, and what goes on."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from werkzeug.exceptions import InternalServerError

from infra.local.dispatcher import push_envelope
from shared import logs, tracing
from shared.adapters.embedded.database import Database
from shared.adapters.embedded.queue import SqliteQueue
from shared.adapters.otel import OpenTelemetryTracer
from shared.edge import Edge
from shared.environment import UnreadableSettingsError
from shared.errors import StorageUnavailable
from shared.events import TrainingRequested
from shared.messaging import read_envelope
from shared.settings import TracingSettings
from shared.tracing import Kind, TraceContext
from tests.collector import exported
from tests.scripted_server import Reply, scripted_server

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HERE = TraceContext(trace_id=TRACE, span_id=SPAN, sampled=True)
FROM_HERE = {"traceparent": str(HERE)}


def test_a_place_is_written_as_w3c_writes_it() -> None:
    assert str(HERE) == f"00-{TRACE}-{SPAN}-01"
    assert TraceContext.parse(str(HERE)) == HERE


@pytest.mark.parametrize(
    ("headers", "place"),
    [
        ({"traceparent": f"00-{TRACE}-{SPAN}-00"}, TraceContext(trace_id=TRACE, span_id=SPAN)),
        ({"traceparent": f"cc-{TRACE}-{SPAN}-01-what-a-later-version-adds"}, HERE),
        ({"x-cloud-trace-context": f"{TRACE}/{int(SPAN, 16)};o=1"}, HERE),
        ({"x-cloud-trace-context": TRACE}, TraceContext(trace_id=TRACE, span_id="0" * 16)),
        ({"traceparent": "broken", "x-cloud-trace-context": f"{TRACE}/{int(SPAN, 16)};o=1"}, HERE),
        ({"traceparent": f"00-{'0' * 32}-{SPAN}-01"}, None),
        ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, None),
        ({"traceparent": f"00-{TRACE}-{SPAN}-01\n00"}, None),
        ({"x-cloud-trace-context": "../../etc/passwd"}, None),
        ({}, None),
    ],
)
def test_headers_are_believed_where_they_make_sense(headers: dict[str, str], place: TraceContext | None) -> None:
    assert TraceContext.of_headers(headers) == place


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_says_which_request_it_belongs_to(capsys: pytest.CaptureFixture[str]) -> None:
    with Edge(function="packager", project="costumes").request(FROM_HERE):
        logs.info("dataset_packaged")
    logs.info("nobody_asked")
    within, after = lines(capsys)
    assert within["logging.googleapis.com/trace"] == f"projects/costumes/traces/{TRACE}"
    assert within["logging.googleapis.com/spanId"] == SPAN
    assert within["logging.googleapis.com/trace_sampled"] is True
    assert set(after) == {"severity", "message"}


def test_a_message_goes_on_from_where_it_was_published(tmp_path: Path) -> None:
    queue = SqliteQueue(Database(tmp_path / "documents.sqlite3"))
    with Edge(function="api").request(FROM_HERE):
        queue.publish(TrainingRequested(training_id="t_1"))
    queue.publish(TrainingRequested(training_id="t_2"))
    first, second = (read_envelope(push_envelope(message)) for message in queue.lease(limit=2, lease_s=1))
    assert (first.comes_from, second.comes_from) == (HERE, None)


def test_a_queue_of_an_older_version_keeps_its_messages(tmp_path: Path) -> None:
    file = tmp_path / "documents.sqlite3"
    with closing(Database(file)) as database:
        SqliteQueue(database).publish(TrainingRequested(training_id="t_old"))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("ALTER TABLE messages DROP COLUMN attributes")
    queue = SqliteQueue(Database(file))
    queue.publish(TrainingRequested(training_id="t_new"))
    assert [b"t_old" in message.data for message in queue.lease(limit=2, lease_s=1)] == [True, False]


def test_a_push_that_fails_is_a_500_and_told_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    edge = Edge(function="packager")
    with pytest.raises(InternalServerError) as answered, edge.push({}):
        raise KeyError("https://storage.example/zip?X-Signature=secret")
    assert "secret" not in answered.value.get_description()
    with pytest.raises(InternalServerError), edge.push({}):
        raise StorageUnavailable(reason="it is tired")
    with pytest.raises(InternalServerError), edge.push({}):
        raise UnreadableSettingsError("FAL_TIMEOUT_S takes a number.")
    crashed, nacked, unreadable = lines(capsys)
    assert (crashed["message"], crashed["error"]) == ("function_crashed", "KeyError")
    assert "test_a_push_that_fails" in crashed["stack"][-1] and "secret" not in json.dumps(crashed)
    assert (nacked["message"], nacked["code"]) == ("request_nacked", "storage_unavailable")
    # here the text is what helps, and it has nothing of what was set
    assert (unreadable["message"], unreadable["reason"]) == ("settings_unreadable", "FAL_TIMEOUT_S takes a number.")


# --- spans


def a_tracer(url: str, **settings: Any) -> OpenTelemetryTracer:
    told = TracingSettings.model_validate({"tracing": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": url, **settings})
    return OpenTelemetryTracer(told, service="packager", project="costumes")


def test_spans_go_on_from_the_message_and_name_the_push_that_brought_it() -> None:
    pushed = TraceContext(trace_id="a" * 32, span_id="b" * 16, sampled=True)
    with scripted_server(lambda asked: Reply(status=200)) as collector:
        edge = Edge(function="packager", tracer=a_tracer(collector.url))
        event = TrainingRequested(training_id="t_1")
        with edge.push({"traceparent": str(pushed)}), tracing.processing(event, HERE), tracing.publishing(event):
            told = tracing.message_attributes()
        spans = exported(collector.asked)
    outer, work, publish = (
        spans[name] for name in ("packager", "process training-requested", "publish training-requested")
    )
    assert (outer.trace_id.hex(), outer.parent_span_id.hex()) == (pushed.trace_id, pushed.span_id)
    assert (work.trace_id.hex(), work.parent_span_id.hex()) == (TRACE, SPAN)
    assert [link.span_id for link in work.links] == [outer.span_id]
    assert publish.parent_span_id == work.span_id
    assert told == {tracing.MESSAGE_ATTRIBUTE: f"00-{TRACE}-{publish.span_id.hex()}-01"}


def test_a_road_that_is_not_recorded_is_followed_and_not_sent() -> None:
    with scripted_server(lambda asked: Reply(status=200)) as collector:
        edge = Edge(function="packager", tracer=a_tracer(collector.url))
        with edge.push({"traceparent": f"00-{TRACE}-{SPAN}-00"}), tracing.span("part", Kind.CLIENT):
            assert (place := tracing.here()) is not None
            assert (place.trace_id, place.sampled) == (TRACE, False)
    assert collector.asked == []


def test_an_error_is_told_by_its_code_or_kind() -> None:
    with scripted_server(lambda asked: Reply(status=200)) as collector:
        tracer = a_tracer(collector.url)
        with pytest.raises(StorageUnavailable), Edge(function="api", tracer=tracer).request({}):
            with pytest.raises(KeyError), tracing.span("part", Kind.CLIENT):
                raise KeyError("https://storage.example/zip?X-Signature=secret")
            raise StorageUnavailable(reason="secret")
        tracer.flush()
        spans = exported(collector.asked)
    assert (spans["api"].status.message, spans["part"].status.message) == ("storage_unavailable", "KeyError")
    assert not any(b"secret" in asked.body for asked in collector.asked)


def test_spans_that_nobody_takes_are_lost_and_the_work_stands(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server(lambda asked: Reply(status=400)) as collector:
        edge = Edge(function="packager", tracer=a_tracer(collector.url))
        with edge.push({}):
            pass
    (line,) = lines(capsys)
    assert (line["message"], line["spans"]) == ("spans_not_sent", 1)
