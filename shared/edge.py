"""What stands around every request of a function: the road that it is on, and an end for every error.

What nobody expected is logged once, by its kind and place, and answered with a bare 500: an error's own text may quote
anything, a signed URL among others, and the frameworks would print it.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from shared import logs, tracing
from shared.environment import UnreadableSettingsError
from shared.errors import ProductError
from shared.tracing import Headers, Kind, TraceContext, Tracer

FRAMES = 10


@dataclass(frozen=True, kw_only=True)
class Edge:
    """The edge of `function`. `project` is Google's, empty on one machine; `tracer` is None where spans are off."""

    function: str
    project: str = ""
    tracer: Tracer | None = None

    @contextmanager
    def request(self, headers: Headers) -> Iterator[None]:
        """While the block runs, it is on the road that `headers` tell. Errors pass."""
        place = TraceContext.of_headers(headers)
        with (
            logs.of_project(self.project),
            tracing.recorded_by(self.tracer),
            tracing.span(self.function, Kind.SERVER, comes_from=place),
        ):
            yield

    @contextmanager
    def push(self, headers: Headers) -> Iterator[None]:
        """A request of an event function: every error becomes a 500, with which Pub/Sub delivers again."""
        from werkzeug.exceptions import InternalServerError

        try:
            with self.request(headers), _told():
                yield
        except Exception as error:
            raise InternalServerError from error
        finally:
            self._flush()

    @asynccontextmanager
    async def answering(self, headers: Headers) -> AsyncIterator[None]:
        """A request of an asynchronous function. Errors pass."""
        try:
            with self.request(headers):
                yield
        finally:
            if self.tracer:
                await asyncio.to_thread(self._flush)

    def _flush(self) -> None:
        if self.tracer:
            self.tracer.flush()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ProductError as error:
        logs.warning("request_nacked", code=error.code)
        raise
    except UnreadableSettingsError as error:
        logs.error("settings_unreadable", reason=str(error))
        raise
    except Exception as error:
        logs.error("function_crashed", error=type(error).__name__, stack=where_it_happened(error))
        raise


def where_it_happened(error: BaseException) -> list[str]:
    """The way to where it happened, without the error's text."""
    innermost = traceback.extract_tb(error.__traceback__, limit=-FRAMES)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in innermost]
