"""POST /{endpoint}: the paid call, and all the ways in which its answer can be lost (fal.md §1)."""

import asyncio
import time
import uuid
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from infra.local.fal_simulator.connection import DroppedConnection
from infra.local.fal_simulator.context import (
    LOCKED,
    UNAUTHORIZED,
    Refusal,
    Simulator,
    caller_of,
    json_object,
    simulator_of,
)
from infra.local.fal_simulator.pictures import pictures_at, read_picture_order
from infra.local.fal_simulator.plans import FaultPlan, SubmitFault, WebhookFault
from infra.local.fal_simulator.runs import Failure, Prepared, Run
from infra.local.fal_simulator.settings import SimulatorSettings
from infra.local.fal_simulator.timeline import FIRST_POSITION, Status, moment_of
from infra.local.fal_simulator.trainers import details_of, read_order, trainer_at

RECORDED_HEADERS = (
    "x-fal-store-io",
    "x-fal-object-lifecycle-preference",
    "x-fal-request-timeout",
    "user-agent",
)
NGINX_503 = "<html><head><title>503 Service Temporarily Unavailable</title></head><body>nginx</body></html>"
_STEPS_ERROR = {
    "loc": ["body", "steps"],
    "msg": "Input should be less than or equal to 10000",
    "type": "less_than_equal",
    "url": "https://docs.fal.ai/errors#less_than_equal",
    "ctx": {"le": 10000},
    "input": 10001,
}
_REFUSALS: dict[SubmitFault, tuple[int, object, str | None]] = {
    SubmitFault.REJECTED_422: (422, [_STEPS_ERROR], None),
    SubmitFault.BAD_REQUEST_400: (400, "Bad request", "bad_request"),
    SubmitFault.BAD_KEY_401: (401, UNAUTHORIZED, None),
    SubmitFault.LOCKED_403: (403, LOCKED, None),
    SubmitFault.RATE_LIMITED_429: (429, "Too many requests", None),
    SubmitFault.ERROR_500: (500, "Internal server error", "internal_error"),
}


async def submit(request: Request) -> Response:
    """Accept a run, or not, as its plan says; every POST is remembered either way."""
    simulator, endpoint = simulator_of(request), request.path_params["endpoint"]
    record: dict[str, Any] = {"at": time.time(), "endpoint": endpoint, "fault": None, "request_id": None}
    try:
        owner = caller_of(request)
        if trainer_at(endpoint) is None and pictures_at(endpoint) is None:
            raise Refusal(404, f"Application {endpoint!r} not found")
        given = await json_object(request)
        plan = simulator.store.take_plan(endpoint, given)
        record["fault"] = plan.submit
        if (refused := _refused(request, plan)) is not None:
            return refused
        run = _accepted(request, owner, given, plan)
        record["request_id"] = run.request_id
        simulator.store.add_run(run)
    finally:
        simulator.store.add_submission({**record, "accepted": record["request_id"] is not None})
    return await _start_and_answer(simulator, run)


def _refused(request: Request, plan: FaultPlan) -> Response | None:
    """The answer of a POST that buys nothing, or None where the run is accepted."""
    if plan.submit in _REFUSALS:
        status_code, detail, error_type = _REFUSALS[plan.submit]
        raise Refusal(status_code, detail, error_type=error_type)
    match plan.submit:
        case SubmitFault.UNAVAILABLE_503_BEFORE:
            return HTMLResponse(NGINX_503, 503)
        case SubmitFault.DROP_BEFORE:
            return DroppedConnection()
        case SubmitFault.REDIRECT_307:
            return RedirectResponse(request.url, 307)
        case _:
            return None


def _accepted(request: Request, owner: str, given: dict[str, Any], plan: FaultPlan) -> Run:
    pace, now = _pace(simulator_of(request).settings, plan), time.time()
    run = Run(
        request_id=str(uuid.uuid4()),
        gateway_request_id=str(uuid.uuid4()),
        endpoint=request.path_params["endpoint"],
        owner=owner,
        input=given,
        order=None,
        webhook_url=request.query_params.get("fal_webhook"),
        headers={name: request.headers[name] for name in RECORDED_HEADERS if name in request.headers},
        plan=plan,
        accepted_at=now,
        queue_s=pace.queue_s,
        training_s=pace.training_s,
        start_timeout_s=_seconds(request.headers.get("x-fal-request-timeout")),
    )
    try:
        if run.pictures is not None:
            return replace(run, picture_order=read_picture_order(run.pictures, given))
        return replace(run, order=read_order(run.trainer, given))
    except ValidationError as error:
        # fal.ai queues first and validates later: a schema error is the run's result (fal.md §1).
        return replace(run, prepared=Prepared(now, failure=Failure(422, details_of(error), told_in_status=False)))


def _pace(settings: SimulatorSettings, plan: FaultPlan) -> SimulatorSettings:
    """An early webhook needs a run that is over at once."""
    planned = 0.0 if plan.webhook is WebhookFault.EARLY else plan.seconds_per_training
    return settings if planned is None else replace(settings, seconds_per_training=planned)


def _seconds(header: str | None) -> float | None:
    try:
        return None if header is None else float(header)
    except ValueError as error:
        raise Refusal(400, "X-Fal-Request-Timeout is not a number", error_type="bad_request") from error


async def _start_and_answer(simulator: Simulator, run: Run) -> Response:
    if run.plan.webhook is WebhookFault.EARLY and run.webhook_url is not None:
        run = await simulator.runner.prepare_now(run.request_id)
        if moment_of(run, time.time()).status is Status.COMPLETED:
            await simulator.runner.deliver_now(run.request_id)
    simulator.runner.arm(run.request_id)
    match run.plan.submit:
        case SubmitFault.UNAVAILABLE_503_AFTER:
            return HTMLResponse(NGINX_503, 503)
        case SubmitFault.DROP_AFTER:
            return DroppedConnection()
        case SubmitFault.NOT_JSON:
            return PlainTextResponse("OK")
        case SubmitFault.SLOW_AFTER:
            await asyncio.sleep(run.plan.submit_delay_s)
        case _:
            pass
    answer = submitted(run, simulator.settings.base_url)
    if run.plan.submit is SubmitFault.MALFORMED_ANSWER:
        del answer["request_id"]
    return JSONResponse(answer, headers={"x-fal-request-id": run.request_id})


def submitted(run: Run, base_url: str) -> dict[str, Any]:
    """The answer to a submit."""
    return {
        "status": "IN_QUEUE",
        "request_id": run.request_id,
        "gateway_request_id": run.gateway_request_id,
        **urls_of(run, base_url),
        "queue_position": FIRST_POSITION,
    }


def urls_of(run: Run, base_url: str) -> dict[str, str]:
    """Where to ask about a run."""
    url = f"{base_url}/{run.app}/requests/{run.request_id}"
    return {"response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}
