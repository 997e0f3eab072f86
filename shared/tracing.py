"""Which road a request or a message is on: a trace, handed on from function to function, and its spans.

The road is always known: it comes with a request (`traceparent`, or Google's own header) or with a message (attribute
`googclient_traceparent`), stands in every line that is logged, and goes on with every message that is published. That
is a few words and costs nothing. Spans, which measure the parts of the road, are made only where there is a tracer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.events import Event

# Google's Pub/Sub clients write and read it, too (gcp.md).
MESSAGE_ATTRIBUTE = "googclient_traceparent"

_W3C = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?:-.*)?")
_GOOGLE = re.compile(r"(?P<trace>[0-9a-f]{32})(?:/(?P<span>\d{1,20}))?(?:;o=(?P<options>\d))?")


class Headers(Protocol):
    """A request's headers, whoever read them; their names in any case."""

    def get(self, key: str, default: str, /) -> str:
        """The value of the header."""
        ...


@dataclass(frozen=True, kw_only=True)
class TraceContext:
    """A place on a road: the trace's id (32 hex digits), the span's (16), and whether it is recorded."""

    trace_id: str
    span_id: str
    sampled: bool = False

    def __str__(self) -> str:
        """As W3C writes it in a `traceparent`."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"

    @classmethod
    def parse(cls, traceparent: str) -> TraceContext | None:
        """What a `traceparent` says; None where it says nothing that can be believed."""
        found = _W3C.fullmatch(traceparent.strip().lower())
        if found is None or not int(found["trace"], 16) or not int(found["span"], 16):
            return None
        return cls(trace_id=found["trace"], span_id=found["span"], sampled=bool(int(found["flags"], 16) & 1))

    @classmethod
    def of_headers(cls, headers: Headers) -> TraceContext | None:
        """The place that a request comes from, by W3C's header or by Google's own."""
        if context := cls.parse(headers.get("traceparent", "")):
            return context
        found = _GOOGLE.fullmatch(headers.get("x-cloud-trace-context", "").strip().lower())
        if found is None or not int(found["trace"], 16):
            return None
        span = int(found["span"] or 0) & (2**64 - 1)
        return cls(trace_id=found["trace"], span_id=f"{span:016x}", sampled=found["options"] == "1")


class Kind(StrEnum):
    """What a span measures, in OpenTelemetry's words."""

    SERVER = "server"
    CONSUMER = "consumer"
    PRODUCER = "producer"
    CLIENT = "client"


class Tracer(Protocol):
    """What records spans."""

    def span(
        self, name: str, kind: Kind, parent: TraceContext | None, link: TraceContext | None, facts: Mapping[str, str]
    ) -> AbstractContextManager[TraceContext]:
        """A span while the block runs; an error of the block is told by its code or kind, never by its text."""
        ...

    def rename(self, name: str, facts: Mapping[str, str]) -> None:
        """Give the innermost span another name and more facts: what it was about is known at its end."""
        ...

    def flush(self) -> None:
        """Send what is recorded, within seconds; never raises."""
        ...


_here: ContextVar[TraceContext | None] = ContextVar("here", default=None)
_tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)


def here() -> TraceContext | None:
    """Where this thread or task is now."""
    return _here.get()


def message_attributes() -> dict[str, str]:
    """What goes with a message, so that its receiver knows where it comes from."""
    context = here()
    return {MESSAGE_ATTRIBUTE: str(context)} if context else {}


@contextmanager
def recorded_by(tracer: Tracer | None) -> Iterator[None]:
    """While the block runs, `tracer` records spans; None: nobody does."""
    token = _tracer.set(tracer)
    try:
        yield
    finally:
        _tracer.reset(token)


@contextmanager
def span(name: str, kind: Kind, *, comes_from: TraceContext | None = None, **facts: str) -> Iterator[None]:
    """A part of the road, which begins where `comes_from` is, or here; recorded where there is a tracer.

    `facts` are ids and words of fixed lists, as in a line that is logged.
    """
    tracer, now_here = _tracer.get(), here()
    if tracer is None:
        with _being(comes_from or now_here):
            yield
        return
    # what a message comes from is not what pushed it: the one is followed, the other is linked
    link = now_here if comes_from and now_here else None
    with tracer.span(name, kind, comes_from or now_here, link, facts) as context, _being(context):
        yield


def rename(name: str, **facts: str) -> None:
    """Name the part of the road that is measured here by what it turned out to be, with more facts."""
    if tracer := _tracer.get():
        tracer.rename(name, facts)


def publishing(event: Event) -> AbstractContextManager[None]:
    """The part of the road in which `event` is published: where its receivers come from."""
    return span(f"publish {event.topic}", Kind.PRODUCER, training_id=event.training_id)


def processing(event: Event, comes_from: TraceContext | None) -> AbstractContextManager[None]:
    """The part in which a received `event` is worked on; it goes on from where that was published."""
    return span(f"process {event.topic}", Kind.CONSUMER, comes_from=comes_from, training_id=event.training_id)


@contextmanager
def _being(context: TraceContext | None) -> Iterator[None]:
    token = _here.set(context)
    try:
        yield
    finally:
        _here.reset(token)
