"""Spans for OpenTelemetry, sent by OTLP: to Cloud Trace, or to any collector."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from shared import logs
from shared.errors import ProductError
from shared.settings import Tracing, TracingSettings
from shared.tracing import Kind, TraceContext

if TYPE_CHECKING:
    from requests import Session

# Cloud Trace by OpenTelemetry's own protocol; the older API of its own has smaller limits.
CLOUD_TRACE = "https://telemetry.googleapis.com/v1/traces"
SEND_S = 5.0
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

_KINDS = {kind: trace.SpanKind[kind.name] for kind in Kind}


class OpenTelemetryTracer:
    """Fulfils `Tracer`. Whether a road is recorded is decided where it begins, and followed from there on."""

    def __init__(self, settings: TracingSettings, *, service: str, project: str) -> None:
        """Record for `service`; nothing is sent before the first `flush` or a few seconds have passed."""
        resource = Resource({"service.name": service, **({"gcp.project_id": project} if project else {})})
        self._provider = TracerProvider(
            resource=resource, sampler=ParentBasedTraceIdRatio(settings.tracing_share), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(_Telling(_exporter(settings))))
        self._tracer = self._provider.get_tracer("costumes-lora")

    @contextmanager
    def span(
        self, name: str, kind: Kind, parent: TraceContext | None, link: TraceContext | None, facts: Mapping[str, str]
    ) -> Iterator[TraceContext]:
        """A span while the block runs."""
        links = [trace.Link(_context(link))] if link else []
        around = trace.set_span_in_context(trace.NonRecordingSpan(_context(parent))) if parent else None
        with self._tracer.start_as_current_span(
            name,
            around,
            _KINDS[kind],
            facts,
            links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _place(span.get_span_context())
            except Exception as error:
                told = error.code if isinstance(error, ProductError) else type(error).__name__
                span.set_status(trace.StatusCode.ERROR, told)
                raise

    def rename(self, name: str, facts: Mapping[str, str]) -> None:
        """Rename the innermost span."""
        span = trace.get_current_span()
        span.update_name(name)
        span.set_attributes(facts)

    def flush(self) -> None:
        """Send what is recorded: an instance that has answered gets no processor time to do it later."""
        self._provider.force_flush(int(SEND_S * 1000))


class _Telling(SpanExporter):
    """Says in our own words what could not be sent; the library says it in others, and at length."""

    def __init__(self, exporter: SpanExporter) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            logs.warning("spans_not_sent", spans=len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _exporter(settings: TracingSettings) -> OTLPSpanExporter:
    if settings.tracing is Tracing.CLOUD:
        return OTLPSpanExporter(CLOUD_TRACE, timeout=SEND_S, session=_authorized())
    return OTLPSpanExporter(f"{settings.otlp_endpoint}/v1/traces", timeout=SEND_S)


def _authorized() -> Session:
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=SCOPES)
    return AuthorizedSession(credentials)


def _context(place: TraceContext) -> trace.SpanContext:
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if place.sampled else trace.TraceFlags.DEFAULT)
    return trace.SpanContext(int(place.trace_id, 16), int(place.span_id, 16), is_remote=True, trace_flags=flags)


def _place(context: trace.SpanContext) -> TraceContext:
    return TraceContext(
        trace_id=f"{context.trace_id:032x}", span_id=f"{context.span_id:016x}", sampled=context.trace_flags.sampled
    )
