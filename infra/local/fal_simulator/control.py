"""The Python client of the control endpoint, for tests and `make demo`."""

import time
from types import TracebackType
from typing import Any, Self, cast

import httpx


class SimulatorControl:
    """Speaks to `/_simulator/…`; every method returns decoded JSON or raises an httpx error."""

    def __init__(self, base_url: str, *, timeout_s: float = 30.0) -> None:
        """`base_url` is the simulator's address, such as http://127.0.0.1:8090."""
        self._client = httpx.Client(base_url=base_url, timeout=timeout_s, trust_env=False)

    def __enter__(self) -> Self:
        """Close the client when the block ends."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def plan(self, match: dict[str, str] | None = None, *, times: int | None = 1, **faults: Any) -> None:
        """Add a plan (`faults` are FaultPlan's fields) for the next `times` matching submits; None is all."""
        body = {"match": match or {}, "times": times, **faults}
        self._call("POST", "/_simulator/plans", json=body)

    def plans(self) -> list[dict[str, Any]]:
        """The plans with the uses they have left."""
        return cast(list[dict[str, Any]], self._call("GET", "/_simulator/plans")["plans"])

    def clear_plans(self) -> None:
        """Forget all plans; requests keep the ones they were given."""
        self._call("DELETE", "/_simulator/plans")

    def billing(self) -> dict[str, Any]:
        """`{billed_runs, cost_total, requests: [{request_id, endpoint, status, billed, units, cost}]}`."""
        return self._call("GET", "/_simulator/billing")

    def submissions(self) -> list[dict[str, Any]]:
        """Every POST that asked for a run: `{at, endpoint, fault, request_id, accepted}`."""
        return cast(list[dict[str, Any]], self._call("GET", "/_simulator/submissions")["submissions"])

    def requests(self) -> list[dict[str, Any]]:
        """Every accepted request in full, oldest first."""
        return cast(list[dict[str, Any]], self._call("GET", "/_simulator/requests")["requests"])

    def request(self, request_id: str) -> dict[str, Any]:
        """One accepted request in full."""
        return self._call("GET", f"/_simulator/requests/{request_id}")

    def wait_for(self, request_id: str, *, status: str = "COMPLETED", timeout_s: float = 30.0) -> dict[str, Any]:
        """Ask until the request has this status; raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while (found := self.request(request_id))["status"] != status:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{request_id} is still {found['status']}, not {status}")
            time.sleep(0.02)
        return found

    def deliver(self, request_id: str) -> dict[str, Any]:
        """Send the request's webhook now, again; returns the attempt."""
        return self._call("POST", f"/_simulator/requests/{request_id}/deliver")

    def mend(self, request_id: str) -> dict[str, Any]:
        """Serve the request's files well from now on, however often they were asked for; returns the request."""
        return self._call("POST", f"/_simulator/requests/{request_id}/mend")

    def rotate_keys(self, *, drop_old: bool = False) -> dict[str, Any]:
        """Sign with a new key from now on; returns the JWKS."""
        return self._call("POST", "/_simulator/rotate-keys", json={"drop_old": drop_old})

    def reset(self) -> None:
        """Forget all requests, plans and bills; the signing keys stay."""
        self._call("POST", "/_simulator/reset")

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = self._client.request(method, path, **options)
        response.raise_for_status()
        return cast(dict[str, Any], response.json())
