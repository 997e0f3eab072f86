"""fal.ai as the product's `Trainer` (fal.md §1)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote

import httpx
from fal_client import SyncClient

from shared.adapters.fal.answers import Answer, clean, run_status, unavailable
from shared.adapters.fal.outcomes import GONE, Ending, outcome
from shared.adapters.fal.paid_post import PaidPost
from shared.adapters.fal.wire import TRANSIENT, FreeCalls, own_url, rebased
from shared.errors import TrainerAccountLocked, TrainerUnavailable
from shared.ports import CancelAnswer, Clock, ForgetAnswer, Forgotten, RunOutput, RunState, RunStatus, Submission
from shared.settings import FAL_QUEUE_URL, FalSettings
from shared.training_records import FalJob

MAX_PAGES = 20
NO_KEY = "FAL_KEY is not set"
# more than this for one run is no price
MAX_USD = 1e6
CLOCK_SKEW = timedelta(minutes=5)
UNPROCESSABLE = 422
FORBIDDEN = 403

_CANCEL_ANSWERS = {
    "CANCELLATION_REQUESTED": CancelAnswer.REQUESTED,
    "OK": CancelAnswer.REQUESTED,
    "ALREADY_COMPLETED": CancelAnswer.TOO_LATE,
    "NOT_FOUND": CancelAnswer.UNKNOWN,
}


@dataclass(frozen=True)
class _OneShotClient(SyncClient):
    """fal-client over a transport that sends once: its own tries again, elsewhere, and follows redirects."""

    queue_url: str = field(default=FAL_QUEUE_URL)

    @cached_property
    def _client(self) -> httpx.Client:
        return httpx.Client(
            transport=PaidPost(self.queue_url, timeout_s=self.default_timeout),
            headers={"Authorization": self._auth.header_value},
            timeout=self.default_timeout,
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections; the next submission opens new ones."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            client.close()


class FalTrainer:
    """Fulfils `Trainer`. Safe to share between threads; connects on first use.

    The URLs that submit returned are used (fal.md §1) where they have FAL_QUEUE_URL's origin; where there are
    none, those that fal-client's handle builds.
    """

    def __init__(self, settings: FalSettings, clock: Clock, *, pauses_s: Sequence[float] = (0.25, 1.0)) -> None:
        """`pauses_s` lie between the attempts of free calls; the paid one has a single attempt."""
        self._settings = settings
        self._clock = clock
        self._key = settings.fal_key.get_secret_value().strip()
        self._paid = _OneShotClient(
            key=self._key, default_timeout=settings.fal_timeout_s, queue_url=settings.fal_queue_url
        )
        self._free = FreeCalls(self._key, timeout_s=settings.fal_timeout_s, pauses_s=pauses_s)

    def submit(self, submission: Submission) -> FalJob:
        """Send it exactly once; the answers are told apart in `paid_post`."""
        if not self._key:
            raise TrainerAccountLocked(reason=NO_KEY)
        handle = self._paid.submit(submission.endpoint, dict(submission.arguments), webhook_url=submission.webhook_url)
        return FalJob(
            request_id=handle.request_id,
            nonce=submission.nonce,
            endpoint=submission.endpoint,
            status_url=handle.status_url or None,
            response_url=handle.response_url or None,
            cancel_url=handle.cancel_url or None,
            submitted_at=self._clock.now(),
        )

    def status(self, job: FalJob, *, log: bool) -> RunStatus:
        """Where the run stands; `TrainerUnavailable` also where fal.ai does not know the request.

        Where fal.ai refuses to tell the log, as it has been seen to for some trainers, the status comes without.
        """
        answer = self._call("status", "GET", self._url(job, "status", log=log))
        if log and answer.status == UNPROCESSABLE:
            answer = self._call("status", "GET", self._url(job, "status"))
        if not answer.ok:
            raise unavailable(answer)
        status = run_status(answer.json)
        if status is None:
            raise TrainerUnavailable(reason="its status cannot be read")
        return status

    def result(self, job: FalJob) -> RunOutput | None:
        """The output of a run that completed, told from its failures in `outcomes`."""
        ending = self._ending(job)
        if ending is None:
            return None
        again_on = () if ending.told else TRANSIENT
        return outcome(self._call("result", "GET", self._url(job, "response"), again_on=again_on), ending)

    def _ending(self, job: FalJob) -> Ending | None:
        """None while the run is pending. A forgotten status says nothing: the result may still be there."""
        answer = self._call("status", "GET", self._url(job, "status"))
        if answer.status in GONE:
            return Ending(completed=False)
        status = run_status(answer.json) if answer.ok else None
        if answer.json is None or status is None:
            raise unavailable(answer)
        if status.state is not RunState.COMPLETED:
            return None
        told = answer.json.get("error") or answer.json.get("error_type")
        return Ending(completed=True, told=clean(str(told)) if told else None)

    def cancel(self, job: FalJob) -> CancelAnswer:
        """Ask fal.ai to stop the run: `TOO_LATE` where it completed, `UNKNOWN` where it is not known."""
        answer = self._call("cancel", "PUT", self._url(job, "cancel"))
        said = (answer.json or {}).get("status")
        if isinstance(said, str) and said in _CANCEL_ANSWERS:
            return _CANCEL_ANSWERS[said]
        if answer.status == 404:
            return CancelAnswer.UNKNOWN
        if not answer.ok:
            raise unavailable(answer)
        return CancelAnswer.REQUESTED

    def cost_usd(self, job: FalJob) -> float | None:
        """The sum of the request's billing events (fal.md §6); None where there are none (yet) or nobody tells."""
        url = httpx.URL(f"{self._settings.fal_api_url}/v1/models/billing-events", params={"request_id": job.request_id})
        try:
            answer = self._call("cost", "GET", url)
        except TrainerUnavailable:
            return None
        events = (answer.json or {}).get("billing_events") if answer.ok else None
        listed = events if isinstance(events, list) else []
        costs = [event.get("cost_total") for event in listed if isinstance(event, dict)]
        known = [float(cost) for cost in costs if isinstance(cost, int | float) and 0 <= cost <= MAX_USD]
        return round(sum(known), 6) if known else None

    def find(self, endpoint: str, nonce: str, *, since: datetime) -> FalJob | None:
        """Look through fal.ai's request list, a bounded number of pages, newest first as far as is known."""
        query = {"endpoint_id": endpoint, "start": _stamp(since - CLOCK_SKEW), "expand": "payloads"}
        for _ in range(MAX_PAGES if nonce else 0):
            page = self._page(query)
            items = page.get("items")
            for item in items if isinstance(items, list) else []:
                if isinstance(item, dict) and (job := self._listed(item, endpoint, nonce)):
                    return job
            cursor = page.get("next_cursor")
            if not page.get("has_more") or not isinstance(cursor, str) or not cursor:
                return None
            query["cursor"] = cursor
        return None

    def forget(self, request_id: str) -> Forgotten:
        """Have the request's payloads, and the files that its output names, deleted; that takes a key with admin scope.

        Source: https://fal.ai/docs/platform-apis/v1/models/requests/payloads. Files that the input names are not
        deleted by it: ours is a ZIP in our own bucket.
        """
        path = f"/v1/models/requests/{quote(request_id, safe='')}/payloads"
        answer = self._call("forget", "DELETE", httpx.URL(f"{self._settings.fal_api_url}{path}"))
        # an account that is locked, or a key that is none, is waited for: only what lacks the scope is told so
        if answer.status == FORBIDDEN and b"locked" not in answer.body.lower():
            return Forgotten(answer=ForgetAnswer.REFUSED)
        if answer.status in GONE:
            return Forgotten(answer=ForgetAnswer.UNKNOWN)
        if not answer.ok:
            raise unavailable(answer)
        results = (answer.json or {}).get("cdn_delete_results")
        files = [each for each in results if isinstance(each, dict)] if isinstance(results, list) else []
        left = sum(each.get("exception") is not None for each in files)
        return Forgotten(answer=ForgetAnswer.FORGOTTEN, files=len(files) - left, left=left)

    def _page(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        url = httpx.URL(f"{self._settings.fal_api_url}/v1/models/requests/by-endpoint", params=query)
        answer = self._call("find", "GET", url)
        if not answer.ok:
            raise unavailable(answer)
        if answer.json is None:
            raise TrainerUnavailable(reason="its list of requests cannot be read")
        return answer.json

    def _listed(self, item: Mapping[str, Any], endpoint: str, nonce: str) -> FalJob | None:
        request_id = item.get("request_id")
        if not isinstance(request_id, str) or not request_id or nonce not in json.dumps(item.get("json_input")):
            return None
        sent_at = _moment(item.get("sent_at")) or self._clock.now()
        return FalJob(request_id=request_id, nonce=nonce, endpoint=endpoint, submitted_at=sent_at)

    def _call(self, operation: str, method: str, url: httpx.URL, *, again_on: Collection[int] = TRANSIENT) -> Answer:
        if not self._key:
            raise TrainerUnavailable(reason=NO_KEY)
        return self._free.call(operation, method, url, again_on=again_on)

    def _url(self, job: FalJob, kind: Literal["status", "response", "cancel"], *, log: bool = False) -> httpx.URL:
        name, queue_url = f"{kind}_url", self._settings.fal_queue_url
        own = own_url(getattr(job, name), queue_url)
        if own is None:
            handle = self._paid.get_handle(job.endpoint, quote(job.request_id, safe=""))
            url = rebased(getattr(handle, name), queue_url)
        else:
            url = httpx.URL(own)
        return url.copy_merge_params({"logs": 1}) if log else url

    def close(self) -> None:
        """Close the connections."""
        self._free.close()
        self._paid.close()


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
