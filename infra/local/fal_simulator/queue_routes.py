"""Status, stream, result and cancel of a run (fal.md §1)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from infra.local.fal_simulator.context import Refusal, Simulator, own_run, simulator_of
from infra.local.fal_simulator.outputs import answer_of
from infra.local.fal_simulator.plans import CancelFault, ResultFault, StatusFault
from infra.local.fal_simulator.runs import Run
from infra.local.fal_simulator.submit_route import submit, urls_of
from infra.local.fal_simulator.timeline import Moment, Status, moment_of
from infra.local.fal_simulator.training_log import log_of

_OPTIONAL_STATUS_FIELDS = ("logs", "queue_position", "metrics")


def status_body(run: Run, now: float, base_url: str, *, with_logs: bool) -> dict[str, Any]:
    """What the status says: logs are the whole log where asked for and null where not."""
    moment = moment_of(run, now)
    body: dict[str, Any] = {"status": moment.status, "request_id": run.request_id, **urls_of(run, base_url)}
    if moment.status is Status.IN_QUEUE:
        body["queue_position"] = moment.queue_position
    else:
        body["logs"] = log_of(run, now) if with_logs else None
    if moment.status is Status.COMPLETED:
        body |= _ending(moment)
    if run.plan.status is StatusFault.MISSING_FIELDS:
        body = {name: value for name, value in body.items() if name not in _OPTIONAL_STATUS_FIELDS}
    return body


def _ending(moment: Moment) -> dict[str, Any]:
    trained_s = max(0.0, moment.schedule.ended_at - moment.schedule.started_at)
    ending: dict[str, Any] = {"metrics": {"inference_time": round(trained_s, 3)}}
    if moment.failure is not None and moment.failure.told_in_status:
        ending["error"] = f"Invalid status code: {moment.failure.status_code}"
        if moment.failure.error_type:
            ending["error_type"] = moment.failure.error_type
    return ending


async def status(request: Request) -> Response:
    """202 while pending and 200 when done, or always 200 as older docs have it [?]."""
    run, simulator = own_run(request), simulator_of(request)
    asked = simulator.store.count(run.request_id, "status")
    if run.plan.status is StatusFault.ERROR_500_TIMES and asked <= run.plan.status_errors:
        raise Refusal(500, "Internal server error", error_type="internal_error")
    body = status_body(run, time.time(), simulator.settings.base_url, with_logs=_with_logs(request))
    done = body["status"] == Status.COMPLETED or run.plan.status is StatusFault.ALWAYS_200
    return JSONResponse(body, 200 if done else 202, {"x-fal-request-id": run.request_id})


def _with_logs(request: Request) -> bool:
    return request.query_params.get("logs", "0").lower() in ("1", "true")


async def stream(request: Request) -> Response:
    """The status as server-sent events, one per change, closed after COMPLETED."""
    run = own_run(request)
    events = _events(simulator_of(request), run.request_id, with_logs=_with_logs(request))
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _events(simulator: Simulator, request_id: str, *, with_logs: bool) -> AsyncIterator[str]:
    last: dict[str, Any] = {}
    while (run := simulator.store.run(request_id)) is not None:
        body = status_body(run, time.time(), simulator.settings.base_url, with_logs=with_logs)
        if body != last:
            yield f"data: {json.dumps(body)}\n\n"
        if body["status"] == Status.COMPLETED:
            return
        last = body
        await asyncio.sleep(simulator.settings.stream_interval_s)


async def result(request: Request) -> Response:
    """The output, or the error replayed; 400 while pending."""
    run, simulator = own_run(request), simulator_of(request)
    asked = simulator.store.count(run.request_id, "result")
    if run.forgotten or run.plan.result is ResultFault.EXPIRED_404:
        raise Refusal(404, "Request not found")
    if run.plan.result is ResultFault.ERROR_500_TIMES and asked <= run.plan.result_errors:
        raise Refusal(500, "Internal server error", error_type="internal_error")
    code, body, headers = answer_of(run, moment_of(run, time.time()), simulator.settings.base_url)
    return JSONResponse(body, code, {"x-fal-request-id": run.request_id, **headers})


async def cancel(request: Request) -> Response:
    """202 where it is still possible, 400 ALREADY_COMPLETED, 404 NOT_FOUND."""
    run, simulator, now = own_run(request), simulator_of(request), time.time()
    if run.plan.cancel is CancelFault.NOT_FOUND:
        return JSONResponse({"status": "NOT_FOUND"}, 404)
    if moment_of(run, now).status is Status.COMPLETED:
        return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
    too_late = run.plan.cancel is CancelFault.TOO_LATE
    _note_cancellation(simulator, run, {"hurried_at": now} if too_late else {"canceled_at": now})
    if too_late:
        await simulator.runner.wait_until_ended(run.request_id)
        return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
    return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)


def _note_cancellation(simulator: Simulator, run: Run, when: dict[str, float]) -> None:
    """Remember the first cancellation and let the run's task look at the new schedule."""
    if run.canceled_at is None and run.hurried_at is None:
        simulator.store.update_run(run.request_id, lambda current: replace(current, **when))  # type: ignore[arg-type]
        simulator.runner.arm(run.request_id)


_REQUEST = "/{endpoint:path}/requests/{request_id}"
routes = [
    Route(f"{_REQUEST}/status/stream", stream, methods=["GET"]),
    Route(f"{_REQUEST}/status", status, methods=["GET"]),
    Route(f"{_REQUEST}/cancel", cancel, methods=["PUT"]),
    Route(_REQUEST, result, methods=["GET"]),
    Route("/{endpoint:path}", submit, methods=["POST"]),
]
