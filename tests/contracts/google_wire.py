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

from shared.adapters.google.clients import firestore_client
from shared.settings import StoreSettings


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
    """Keeps every query, sends none, and finds nothing."""

    def __init__(self) -> None:
        self.queries: list[StructuredQuery] = []

    def intercept_unary_stream(self, proceed: Callable[..., Any], call: Any, request: Any) -> Any:
        assert call.method.endswith("/RunQuery"), call.method
        self.queries.append(RunQueryRequest(RunQueryRequest.pb(request)).structured_query)
        return iter(())


@contextmanager
def firestore_through(settings: StoreSettings, interceptor: object) -> Iterator[Client]:
    """A client of the emulator that `settings` name, whose calls pass through `interceptor`."""
    channel = grpc.insecure_channel(settings.firestore_emulator_host)
    transport = FirestoreGrpcTransport(channel=grpc.intercept_channel(channel, interceptor))
    client = firestore_client(settings)
    client._firestore_api_internal = FirestoreClient(transport=transport)
    yield client
    channel.close()
