"""What fal.ai answered, read with care: loose JSON, and errors in several shapes (fal.md §1). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shared.errors import TrainerUnavailable
from shared.ports import Artifact, RunState, RunStatus

MAX_REASON_CHARACTERS = 300
# what every database and JSON reader takes for a whole number
MAX_COUNT = 2**53
# no run delivers more files than this in one field
MAX_LISTED = 16
ACCOUNT_STATUSES = frozenset({401, 403})

_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer that was read whole; `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it is any 2xx: fal.ai's documents do not agree on which."""
        return 200 <= self.status < 300

    @cached_property
    def json(self) -> Mapping[str, Any] | None:
        """The body as a JSON object; None where it is not one."""
        return parse_object(self.body)

    @property
    def error_type(self) -> str:
        """The infrastructure's own name for an error, from the body or `X-Fal-Error-Type`; may be empty."""
        named = (self.json or {}).get("error_type")
        return named if isinstance(named, str) else self.headers.get("x-fal-error-type", "")


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """Why fal.ai refused: the input field where it names one, and the reason.

    `itemized` is True for the list of errors that only a model writes, not the infrastructure (fal.md §1).
    """

    reason: str
    field: str | None = None
    itemized: bool = False


def parse_object(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object in `body`; None for everything else, however nested or broken.

    Its texts can be written: half of a character, which is what cutting an emoji leaves, becomes a question mark.
    """
    try:
        value = _writable(json.loads(body.decode("utf-8-sig", "replace")))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _writable(value: Any) -> Any:
    match value:
        case str():
            return value if value.isascii() else value.encode(errors="replace").decode()
        case list():
            return [_writable(item) for item in value]
        case dict():
            return {_writable(name): _writable(item) for name, item in value.items()}
        case _:
            return value


def without_urls(text: str) -> str:
    """`text` with every URL taken out: fal.ai repeats our signed ones in its logs and messages."""
    return _URL.sub("[URL]", text)


def complaint_of(answer: Answer) -> Complaint:
    """What an answer complains about, whether `detail` is a list, a string, an object or missing."""
    detail = (answer.json or {}).get("detail")
    match detail:
        case [dict() as first, *more]:
            complaint = _item(first, itemized=True)
            others = f" (and {len(more)} more)" if more else ""
            reason, field, itemized = f"{complaint.reason}{others}", complaint.field, True
        case dict():
            complaint = _item(detail, itemized=False)
            reason, field, itemized = complaint.reason, complaint.field, False
        case str() if detail.strip():
            reason, field, itemized = detail, None, False
        case _:
            reason, field, itemized = "", None, False
    return Complaint(reason=clean(reason) or f"it answered {answer.status}", field=field, itemized=itemized)


def _item(item: Mapping[str, Any], *, itemized: bool) -> Complaint:
    reason = next((item[name] for name in ("msg", "message", "type") if isinstance(item.get(name), str)), "")
    loc = item.get("loc")
    parts = [str(part) for part in loc] if isinstance(loc, list) else []
    field = ".".join(parts[1:] if parts[:1] in (["body"], ["query"]) else parts)
    return Complaint(reason=reason, field=clean(field) or None, itemized=itemized)


def clean(text: str) -> str:
    """`text` on one line, without URLs, cut to what fits into a sentence."""
    return " ".join(without_urls(text).split())[:MAX_REASON_CHARACTERS]


def unavailable(answer: Answer) -> TrainerUnavailable:
    """The error of a free call that got no success. It passes, also where it is about our account.

    What the call is about may be paid for already: balance and key can be mended, and a run must not be given up, and
    then bought again, because they were not in order for an hour.
    """
    reason = complaint_of(answer).reason
    if answer.status in ACCOUNT_STATUSES:
        return TrainerUnavailable(reason=f"it does not accept our account: {reason}")
    return TrainerUnavailable(reason=f"HTTP {answer.status}: {reason}")


def run_status(data: Mapping[str, Any] | None) -> RunStatus | None:
    """The run's status; None where the answer tells none. Logs and position may be missing or odd."""
    state = (data or {}).get("status")
    if data is None or not isinstance(state, str) or state not in RunState.__members__:
        return None
    return RunStatus(
        state=RunState(state),
        queue_position=_count(data.get("queue_position")),
        log=_messages(data.get("logs")),
    )


def _messages(logs: object) -> tuple[str, ...]:
    entries = logs if isinstance(logs, list) else []
    messages = (entry.get("message") if isinstance(entry, dict) else entry for entry in entries)
    return tuple(without_urls(message) for message in messages if isinstance(message, str))


def artifacts_of(output: Mapping[str, Any]) -> dict[str, Artifact]:
    """Every field of the output that is a `File` (fal.md §3); those of a list are `{field}.0`, `{field}.1` … (§4)."""
    named = [(name, value) for name, value in output.items() if not isinstance(value, list)]
    lists = ((name, value) for name, value in output.items() if isinstance(value, list))
    named += [(f"{name}.{number}", item) for name, value in lists for number, item in enumerate(value[:MAX_LISTED])]
    return {name: found for name, value in named if (found := _artifact(value))}


def _artifact(value: object) -> Artifact | None:
    if not isinstance(value, dict) or not isinstance(value.get("url"), str) or not value["url"]:
        return None
    return Artifact(url=value["url"], size=_count(value.get("file_size")))


def _count(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT else None
