"""Fault plans: which requests misbehave, and how. A plan is chosen at submit and sticks to its request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, TypeAdapter


class SubmitFault(StrEnum):
    """How the paid POST is answered; the comment says whether it bought a training."""

    OK = "ok"  # accepted
    REJECTED_422 = "rejected_422"  # not accepted
    BAD_REQUEST_400 = "bad_request_400"  # not accepted
    BAD_KEY_401 = "bad_key_401"  # not accepted
    LOCKED_403 = "locked_403"  # not accepted
    RATE_LIMITED_429 = "rate_limited_429"  # not accepted
    ERROR_500 = "error_500"  # not accepted
    UNAVAILABLE_503_BEFORE = "unavailable_503_before"  # not accepted
    UNAVAILABLE_503_AFTER = "unavailable_503_after"  # accepted
    DROP_BEFORE = "drop_before"  # not accepted, the connection is closed without a byte
    DROP_AFTER = "drop_after"  # accepted, the connection is closed without a byte
    SLOW_AFTER = "slow_after"  # accepted, answered after submit_delay_s
    NOT_JSON = "not_json"  # accepted, answered 200 with text
    MALFORMED_ANSWER = "malformed_answer"  # accepted, answered 200 without a request_id
    REDIRECT_307 = "redirect_307"  # not accepted; whoever follows it posts a second time


class RunFault(StrEnum):
    """How the training itself ends; there is no FAILED status (fal.md §1)."""

    OK = "ok"
    FAIL_422 = "fail_422"
    FAIL_500 = "fail_500"
    FAIL_DOWNLOAD = "fail_download"
    FAIL_STRING_DETAIL = "fail_string_detail"
    INFRASTRUCTURE_503 = "infrastructure_503"
    NEVER_STARTS = "never_starts"
    NEVER_ENDS = "never_ends"
    RETRIED = "retried"  # a runner is lost halfway: the ZIP is fetched a second time, then all goes well


class WebhookFault(StrEnum):
    """What is wrong with the webhook (fal.md §2)."""

    OK = "ok"
    LOST = "lost"
    LATE = "late"
    DUPLICATE = "duplicate"
    EARLY = "early"
    FORGED = "forged"
    TAMPERED = "tampered"
    STALE = "stale"
    OVERSIZED = "oversized"
    PAYLOAD_ERROR = "payload_error"
    NO_SIGNATURE = "no_signature"


class ArtifactFault(StrEnum):
    """What is wrong with the files, or with what the output says about them (fal.md §5)."""

    OK = "ok"
    TRUNCATED = "truncated"
    TRUNCATED_QUIETLY = "truncated_quietly"
    CORRUPT = "corrupt"
    ZEROS = "zeros"
    NAN = "nan"
    MISSING_404 = "missing_404"
    GONE_410 = "gone_410"
    ERROR_500 = "error_500"
    SLOW = "slow"
    FOREIGN_HOST = "foreign_host"
    PRIVATE_REDIRECT = "private_redirect"
    NOT_JSON_CONFIG = "not_json_config"
    MISSING_FILE = "missing_file"
    WRONG_CONTENT_TYPE = "wrong_content_type"


class ResultFault(StrEnum):
    """What is wrong with fetching the result."""

    OK = "ok"
    EXPIRED_404 = "expired_404"
    ERROR_500_TIMES = "error_500_times"


class StatusFault(StrEnum):
    """What is wrong with asking for the status; the last two are readings of the docs (fal.md §1 [?])."""

    OK = "ok"
    ERROR_500_TIMES = "error_500_times"
    MISSING_FIELDS = "missing_fields"
    ALWAYS_200 = "always_200"


class CancelFault(StrEnum):
    """How a cancellation is answered and whether it works."""

    OK = "ok"
    TOO_LATE = "too_late"
    IGNORED = "ignored"
    NOT_FOUND = "not_found"


@dataclass(frozen=True)
class FaultPlan:
    """What one request does wrong; everything defaults to a fal.ai on a good day.

    `flagged` is what the safety checker says of pictures, in their order. `webhook_times` and `artifact_times` say how
    many attempts misbehave before good ones follow (null = all).
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    submit: SubmitFault = SubmitFault.OK
    submit_delay_s: float = 5.0
    run: RunFault = RunFault.OK
    bill_422: bool = False
    seconds_per_training: float | None = None
    webhook: WebhookFault = WebhookFault.OK
    webhook_delay_s: float = 5.0
    webhook_copies: int = 3
    webhook_times: int | None = None
    artifacts: ArtifactFault = ArtifactFault.OK
    artifact_field: str = "diffusers_lora_file"
    artifact_times: int | None = None
    artifact_bytes_per_s: int = 100_000
    redirect_to: str = "http://169.254.169.254/computeMetadata/v1/"
    result: ResultFault = ResultFault.OK
    result_errors: int = 1
    status: StatusFault = StatusFault.OK
    status_errors: int = 1
    cancel: CancelFault = CancelFault.OK
    list_lag_s: float | None = None
    flagged: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Match:
    """Which submits a plan is for; what is None is not looked at, so an empty match takes the next one."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    trigger_word: str | None = None
    input_contains: str | None = None
    endpoint: str | None = None

    def fits(self, endpoint: str, given: Mapping[str, Any]) -> bool:
        """Whether a submit of `given` to `endpoint` is meant."""
        triggers = {given.get("trigger_word"), given.get("trigger_phrase")}
        return (
            (self.trigger_word is None or self.trigger_word in triggers)
            and (self.input_contains is None or self.input_contains in json.dumps(given, ensure_ascii=False))
            and (self.endpoint is None or self.endpoint == endpoint)
        )


@dataclass(frozen=True)
class PlanRule:
    """A plan with whom it is for and how often it still applies (`times` None = without end)."""

    plan: FaultPlan
    match: Match = field(default_factory=Match)
    times: int | None = 1

    def used_once(self) -> "PlanRule":
        """The same rule with one use less."""
        return self if self.times is None else replace(self, times=self.times - 1)


_PLAN = TypeAdapter(FaultPlan)
_MATCH = TypeAdapter(Match)
_TIMES = TypeAdapter(int | None)


def rule_from_json(body: Mapping[str, Any]) -> PlanRule:
    """Read the body of POST /_simulator/plans; raises pydantic.ValidationError for what it does not know."""
    faults = {name: value for name, value in body.items() if name not in ("match", "times")}
    return PlanRule(
        plan=_PLAN.validate_python(faults),
        match=_MATCH.validate_python(body.get("match", {})),
        times=_TIMES.validate_python(body.get("times", 1)),
    )


def rule_to_json(rule: PlanRule) -> dict[str, Any]:
    """The same shape that `rule_from_json` reads."""
    return {
        "match": _MATCH.dump_python(rule.match, mode="json", exclude_none=True),
        "times": rule.times,
        **_PLAN.dump_python(rule.plan, mode="json"),
    }
