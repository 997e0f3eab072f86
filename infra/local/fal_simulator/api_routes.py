"""The Platform API: the list of requests, prices and billing events (fal.md §1 and §6), and the JWKS (§2)."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.fal_simulator.context import NO_ADMIN, Refusal, Simulator, caller_of, simulator_of
from infra.local.fal_simulator.outputs import answer_of, bill_of
from infra.local.fal_simulator.pictures import pictures_at, unit_price_of_pictures
from infra.local.fal_simulator.runs import Run
from infra.local.fal_simulator.timeline import Status, moment_of
from infra.local.fal_simulator.trainers import trainer_at, unit_price

DEFAULT_PAGE = 50


async def jwks(request: Request) -> Response:
    """The public keys that webhooks are signed with."""
    return JSONResponse(simulator_of(request).keys.jwks())


async def requests_by_endpoint(request: Request) -> Response:
    """One's own requests, newest first and in pages; a request is missing until its lag is over."""
    owner, query = caller_of(request), request.query_params
    endpoints = query.getlist("endpoint_id")
    if not endpoints:
        detail = {"loc": ["query", "endpoint_id"], "msg": "Field required", "type": "missing", "url": ""}
        raise Refusal(422, [detail])
    start, end = _time(query.get("start"), 0.0), _time(query.get("end"), float("inf"))
    simulator, offset, limit = (
        simulator_of(request),
        _number(request, "cursor", 0),
        _number(request, "limit", DEFAULT_PAGE),
    )
    found = [
        run
        for run in reversed(simulator.store.runs())
        if run.owner == owner and run.endpoint in endpoints and start <= run.accepted_at <= end
        if _is_listed(run, simulator)
    ]
    page, has_more = found[offset : offset + limit], len(found) > offset + limit
    items = [_item(run, simulator, payloads=query.get("expand") == "payloads") for run in page]
    return JSONResponse(
        {"items": items, "next_cursor": str(offset + limit) if has_more else None, "has_more": has_more}
    )


def _is_listed(run: Run, simulator: Simulator) -> bool:
    lag = simulator.settings.list_lag_s if run.plan.list_lag_s is None else run.plan.list_lag_s
    return time.time() >= run.accepted_at + lag


def _item(run: Run, simulator: Simulator, *, payloads: bool) -> dict[str, Any]:
    moment = moment_of(run, time.time())
    started, ended = moment.schedule.started_at, moment.schedule.ended_at
    done = moment.status is Status.COMPLETED
    code, body, _ = answer_of(run, moment, simulator.settings.base_url)
    item: dict[str, Any] = {
        "request_id": run.request_id,
        "endpoint_id": run.endpoint,
        "sent_at": _stamp(run.accepted_at),
        "started_at": None if moment.status is Status.IN_QUEUE else _stamp(min(started, ended)),
        "ended_at": _stamp(ended) if done else None,
        "status_code": code if done else None,
        "duration": round(max(0.0, ended - started), 3) if done else None,
    }
    return item | ({"json_input": run.input, "json_output": body if done else None} if payloads else {})


async def pricing(request: Request) -> Response:
    """Unit prices of the endpoints asked for."""
    caller_of(request)
    prices = [
        {
            "endpoint_id": trainer.endpoint,
            "unit_price": unit_price(trainer),
            "unit": trainer.price.parameter if trainer.price else "steps",
            "currency": "USD",
        }
        for endpoint in request.query_params.getlist("endpoint_id")
        if (trainer := trainer_at(endpoint)) is not None
    ]
    prices += [
        {
            "endpoint_id": endpoint,
            "unit_price": unit_price_of_pictures(pictures),
            "unit": "megapixels",
            "currency": "USD",
        }
        for endpoint in request.query_params.getlist("endpoint_id")
        if (pictures := pictures_at(endpoint)) is not None
    ]
    return JSONResponse({"prices": prices, "next_cursor": None, "has_more": False})


async def billing_events(request: Request) -> Response:
    """What the caller's requests have cost; an unbilled one has no event."""
    owner, simulator = caller_of(request), simulator_of(request)
    runs = [simulator.store.run(request_id) for request_id in request.query_params.getlist("request_id")]
    events = [event for run in runs if run is not None and run.owner == owner if (event := _event(run))]
    return JSONResponse({"billing_events": events, "next_cursor": None, "has_more": False})


def _event(run: Run) -> dict[str, Any] | None:
    moment = moment_of(run, time.time())
    bill = bill_of(run, moment)
    if not bill.billed:
        return None
    return {
        "request_id": run.request_id,
        "endpoint_id": run.endpoint,
        "timestamp": _stamp(moment.schedule.ended_at),
        "output_units": bill.units,
        "unit_price": bill.unit_price,
        "percent_discount": 0,
        "cost_total": bill.cost,
    }


async def delete_payloads(request: Request) -> Response:
    """Forget what was sent and the files that were made, for good; it takes an admin's key."""
    owner, simulator = caller_of(request), simulator_of(request)
    if NO_ADMIN in request.headers["authorization"]:
        raise Refusal(403, "This endpoint requires an API key with ADMIN scope")
    run = simulator.store.run(request.path_params["request_id"])
    if run is None or run.owner != owner or run.forgotten:
        raise Refusal(404, "Request not found")
    files = run.prepared.artifacts if run.prepared else ()
    for path in {path for file in files for path in (file.path, file.bad_path) if path}:
        (simulator.settings.data_dir / path).unlink(missing_ok=True)
    simulator.store.update_run(run.request_id, _forgotten)
    base = f"{simulator.settings.base_url}/files/{run.file_token}"
    return JSONResponse(
        {"cdn_delete_results": [{"link": f"{base}/{file.file_name}", "exception": None} for file in files]}
    )


def _forgotten(run: Run) -> Run:
    prepared = replace(run.prepared, archive=None, artifacts=()) if run.prepared else None
    return replace(run, input={}, prepared=prepared, forgotten=True)


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _time(text: str | None, otherwise: float) -> float:
    if text is None:
        return otherwise
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        detail = {
            "loc": ["query"],
            "msg": "Input should be a valid datetime",
            "type": "datetime_parsing",
            "url": "",
        }
        raise Refusal(422, [detail]) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _number(request: Request, name: str, otherwise: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() else otherwise


routes = [
    Route("/.well-known/jwks.json", jwks),
    Route("/v1/models/requests/by-endpoint", requests_by_endpoint),
    Route("/v1/models/requests/{request_id}/payloads", delete_payloads, methods=["DELETE"]),
    Route("/v1/models/pricing", pricing),
    Route("/v1/models/billing-events", billing_events),
]
