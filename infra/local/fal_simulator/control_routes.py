"""The control endpoint under /_simulator/, for tests and the demo, never for the product."""

import time
from dataclasses import asdict, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.fal_simulator.context import Refusal, Simulator, json_object, simulator_of
from infra.local.fal_simulator.outputs import answer_of, bill_of
from infra.local.fal_simulator.plans import ArtifactFault, FaultPlan, rule_from_json, rule_to_json
from infra.local.fal_simulator.runs import Run
from infra.local.fal_simulator.timeline import Status, moment_of

NOTICE = "This is a simulator of fal.ai on this machine. Nothing is trained and nothing is paid."
_PLAN = TypeAdapter(FaultPlan)


async def root(request: Request) -> Response:
    """Say openly what this is."""
    url = simulator_of(request).settings.base_url
    return JSONResponse({"fal_simulator": url, "notice": NOTICE, "control": f"{url}/_simulator/requests"})


async def plans(request: Request) -> Response:
    """GET lists the plans, POST adds one, DELETE forgets all."""
    store = simulator_of(request).store
    if request.method == "DELETE":
        store.clear_rules()
    if request.method == "POST":
        try:
            store.add_rule(rule_from_json(await json_object(request)))
        except ValidationError as error:
            raise Refusal(400, [{"loc": list(item["loc"]), "msg": item["msg"]} for item in error.errors()]) from error
    return JSONResponse({"plans": [rule_to_json(rule) for rule in store.rules()]})


async def billing(request: Request) -> Response:
    """What fal.ai would have billed so far."""
    rows = [_billed(run) for run in simulator_of(request).store.runs()]
    billed = [row for row in rows if row["billed"]]
    cost_total = round(sum(row["cost"] for row in billed), 6)
    return JSONResponse({"billed_runs": len(billed), "cost_total": cost_total, "requests": rows})


def _billed(run: Run) -> dict[str, Any]:
    moment = moment_of(run, time.time())
    bill = bill_of(run, moment)
    return {
        "request_id": run.request_id,
        "endpoint": run.endpoint,
        "status": moment.status,
        "billed": bill.billed,
        "units": bill.units,
        "cost": bill.cost,
    }


async def submissions(request: Request) -> Response:
    """Every POST that asked for a run, also those that were not accepted."""
    return JSONResponse({"submissions": simulator_of(request).store.submissions()})


async def all_requests(request: Request) -> Response:
    """Every accepted request in full, oldest first."""
    simulator = simulator_of(request)
    return JSONResponse({"requests": [describe(run, simulator) for run in simulator.store.runs()]})


async def one_request(request: Request) -> Response:
    """One accepted request in full."""
    return JSONResponse(describe(_run(request), simulator_of(request)))


def describe(run: Run, simulator: Simulator) -> dict[str, Any]:
    """All that is known of a request: input, headers, plan, archive, artifacts, deliveries, answer."""
    moment, base_url = moment_of(run, time.time()), simulator.settings.base_url
    status_code, body, _ = answer_of(run, moment, base_url)
    prepared = run.prepared
    return {
        **_billed(run),
        "gateway_request_id": run.gateway_request_id,
        "queue_position": moment.queue_position,
        "accepted_at": run.accepted_at,
        "canceled_at": run.canceled_at,
        "input": run.input,
        "headers": run.headers,
        "webhook_url": run.webhook_url,
        "webhook_settled": run.webhook_settled,
        "deliveries": [asdict(attempt) for attempt in simulator.store.deliveries(run.request_id)],
        "plan": _PLAN.dump_python(run.plan, mode="json", exclude_defaults=True),
        "archive": asdict(prepared.archive) if prepared and prepared.archive else None,
        "artifacts": {
            made.output_field: {
                "url": f"{base_url}/files/{run.file_token}/{made.file_name}",
                "size": made.size,
                "sha256": made.sha256,
            }
            for made in (prepared.artifacts if prepared else ())
        },
        "asked": simulator.store.counters(run.request_id),
        "result": {"status_code": status_code, "body": body} if moment.status is Status.COMPLETED else None,
    }


def _run(request: Request) -> Run:
    run = simulator_of(request).store.run(request.path_params["request_id"])
    if run is None:
        raise Refusal(404, "No such request")
    return run


async def deliver(request: Request) -> Response:
    """Send the webhook of an ended run now, whatever was sent before."""
    run = _run(request)
    if run.webhook_url is None or moment_of(run, time.time()).status is not Status.COMPLETED:
        raise Refusal(409, "Only a completed request with a webhook can be delivered")
    return JSONResponse(asdict(await simulator_of(request).runner.deliver_now(run.request_id)))


async def mend(request: Request) -> Response:
    """Serve this run's files well from now on, whatever its plan said of them; what was planned before stays done."""
    run = _run(request)
    whole = replace(run.plan, artifacts=ArtifactFault.OK)
    simulator = simulator_of(request)
    return JSONResponse(
        describe(simulator.store.update_run(run.request_id, lambda r: replace(r, plan=whole)), simulator)
    )


async def reset(request: Request) -> Response:
    """Forget all requests, plans and bills."""
    simulator = simulator_of(request)
    await simulator.runner.forget_all()
    simulator.store.reset()
    return JSONResponse({"reset": True})


async def rotate_keys(request: Request) -> Response:
    """Sign with a new key from now on; `{"drop_old": true}` also takes the old ones out of the JWKS."""
    keys = simulator_of(request).keys
    keys.rotate(drop_old=bool((await json_object(request)).get("drop_old", False)))
    return JSONResponse(keys.jwks())


routes = [
    Route("/_simulator/plans", plans, methods=["GET", "POST", "DELETE"]),
    Route("/_simulator/billing", billing),
    Route("/_simulator/submissions", submissions),
    Route("/_simulator/requests", all_requests),
    Route("/_simulator/requests/{request_id}", one_request),
    Route("/_simulator/requests/{request_id}/deliver", deliver, methods=["POST"]),
    Route("/_simulator/requests/{request_id}/mend", mend, methods=["POST"]),
    Route("/_simulator/reset", reset, methods=["POST"]),
    Route("/_simulator/rotate-keys", rotate_keys, methods=["POST"]),
]
