"""What every route needs: the simulator's parts, the caller, and fal.ai's way to say no."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.local.fal_simulator.runner import Runner
from infra.local.fal_simulator.runs import Run
from infra.local.fal_simulator.settings import SimulatorSettings
from infra.local.fal_simulator.signing import SigningKeys
from infra.local.fal_simulator.store import Store

BAD_KEY = "bad-key"
LOCKED_KEY = "locked-key"
NO_ADMIN = "no-admin"
"""A key with this in it is good for everything but what takes admin scope."""


@dataclass(frozen=True)
class Simulator:
    """One running simulator's parts."""

    settings: SimulatorSettings
    store: Store
    keys: SigningKeys
    runner: Runner


class Refusal(Exception):
    """An answer other than success, in fal.ai's shapes (fal.md §1, Errors)."""

    def __init__(self, status_code: int, detail: object, *, error_type: str | None = None) -> None:
        """`detail` is a string, or a list of errors."""
        super().__init__(detail)
        self.status_code = status_code
        self.body = {"detail": detail} | ({"error_type": error_type} if error_type else {})
        self.headers = {"X-Fal-Error-Type": error_type} if error_type else {}
        if status_code in (429, 503, 504):
            self.headers["X-Fal-Needs-Retry"] = "1"


async def refuse(request: Request, error: Exception) -> Response:
    """Turn a Refusal into its answer."""
    refusal = cast(Refusal, error)
    return JSONResponse(refusal.body, refusal.status_code, refusal.headers)


UNAUTHORIZED = "No user found for Key ID and Secret"
LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."


def simulator_of(request: Request) -> Simulator:
    """The simulator that serves this request."""
    return cast(Simulator, request.app.state.simulator)


def caller_of(request: Request) -> str:
    """Who asks, as a digest of the key; 401 without a good one, 403 for a locked one (fal.md §1, Errors)."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    expected = simulator_of(request).settings.key
    wrong = expected and not secrets.compare_digest(key.encode(), expected.encode())
    if scheme != "Key" or not key.strip() or key == BAD_KEY or wrong:
        raise Refusal(401, UNAUTHORIZED)
    if key == LOCKED_KEY:
        raise Refusal(403, LOCKED)
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def own_run(request: Request) -> Run:
    """The run that the path names, if it is the caller's and its endpoint's; else 404."""
    owner, endpoint = caller_of(request), request.path_params["endpoint"]
    run = simulator_of(request).store.run(request.path_params["request_id"])
    if run is None or run.owner != owner or run.app != endpoint:
        raise Refusal(404, "Request not found")
    return run


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; 422 in fal.ai's shape where it is none."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        detail = {"loc": ["body"], "msg": f"JSON decode error: {error}", "type": "json_invalid", "url": ""}
        raise Refusal(422, [detail]) from error
    if not isinstance(body, dict):
        detail = {
            "loc": ["body"],
            "msg": "Input should be a valid dictionary",
            "type": "dict_type",
            "url": "",
        }
        raise Refusal(422, [detail])
    return body
