"""What a collector of spans got, as OpenTelemetry sends it."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.scripted_server import Asked


def exported(asked: Iterable[Asked]) -> dict[str, Span]:
    """The spans by their names; the latest where several have one."""
    requests = [ExportTraceServiceRequest.FromString(one.body) for one in asked]
    scopes = [scope for request in requests for of in request.resource_spans for scope in of.scope_spans]
    return {span.name: span for scope in scopes for span in scope.spans}
