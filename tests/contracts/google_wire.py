"""A Firestore client whose calls pass through a test: to see what is asked, or to lose an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.cloud.firestore import Client
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import RunQueryRequest, StructuredQuery

from infra.local.emulators import Emulators
from shared.adapters.google.clients import firestore_client


class AnswerLost(grpc.RpcError):  # type: ignore[misc]  # grpc has no types
    """The connection broke after the server did what it was asked."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return "connection reset"

    def trailing_metadata(self) -> tuple[()]:
        return ()

    def result(self, timeout: float | None = None) -> Any:
        raise self


class LoseAnswers(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]  # grpc has no types
    """Loses the answers to the first `count` commits, which happen all the same."""

    def __init__(self, count: int) -> None:
        self.left = count

    def intercept_unary_unary(self, proceed: Callable[..., Any], call: Any, request: Any) -> Any:
        answer = proceed(call, request)
        if call.method.endswith("/Commit") and self.left:
            self.left -= 1
            answer.result()
            return AnswerLost()
        return answer


class RecordQueries(grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]  # grpc has no types
    """Keeps every query that is sent."""

    def __init__(self) -> None:
        self.queries: list[StructuredQuery] = []

    def intercept_unary_stream(self, proceed: Callable[..., Any], call: Any, request: Any) -> Any:
        if call.method.endswith("/RunQuery"):
            self.queries.append(RunQueryRequest(RunQueryRequest.pb(request)).structured_query)
        return proceed(call, request)


@contextmanager
def firestore_through(emulators: Emulators, interceptor: object) -> Iterator[Client]:
    """A client of the emulator whose calls pass through `interceptor`."""
    channel = grpc.insecure_channel(emulators.firestore_host)
    transport = FirestoreGrpcTransport(channel=grpc.intercept_channel(channel, interceptor))
    client = firestore_client(emulators.settings())
    client._firestore_api_internal = FirestoreClient(transport=transport)
    yield client
    channel.close()
