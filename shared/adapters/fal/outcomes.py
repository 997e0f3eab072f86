"""What the answer to a result call means (fal.md §1): output, failed run, or fal.ai's trouble. Pure.

A result call replays the model's status and body, so a 5xx may be the run's end or the queue's own hiccup. It
is the run's end where one of these says so: the status call told an error, the body has the itemized list
that only models write, or the error type is one of those that end a run. Any other 5xx may be asked again.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.adapters.fal.answers import (
    ACCOUNT_STATUSES,
    Answer,
    Complaint,
    artifacts_of,
    complaint_of,
    run_status,
    unavailable,
)
from shared.errors import (
    ArtifactUnavailable,
    ProductError,
    TrainerRejectedInput,
    TrainerUnavailable,
    TrainingFailed,
)
from shared.ports import RunOutput, RunState

GONE = frozenset({404, 410})

_RUN_ENDINGS = frozenset({"request_timeout", "startup_timeout", "client_disconnected", "client_cancelled"})


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What the status call said of a run that may have a result: whether it completed, and its error if it told one."""

    completed: bool
    told: str | None = None


def outcome(answer: Answer, ending: Ending) -> RunOutput | None:
    """The output, or None where the run is still in progress; raises what went wrong."""
    if _is_pending(answer):
        return None
    if not answer.ok:
        raise _failure(answer, ending)
    if answer.json is None:
        raise ArtifactUnavailable(reason="fal.ai's result cannot be read")
    return RunOutput(artifacts=artifacts_of(answer.json), raw=answer.json)


def _is_pending(answer: Answer) -> bool:
    if answer.status == 400:
        return "still in progress" in complaint_of(answer).reason.lower()
    status = run_status(answer.json)
    return answer.status == 202 and status is not None and status.state is not RunState.COMPLETED


def _failure(answer: Answer, ending: Ending) -> ProductError:
    complaint = complaint_of(answer)
    if ending.told or complaint.itemized or _ends_a_run(answer.error_type):
        return _run_failure(answer, complaint, ending.told)
    if answer.status in ACCOUNT_STATUSES:
        return unavailable(answer)
    if answer.status in GONE and ending.completed:
        return ArtifactUnavailable(reason="fal.ai no longer has the result")
    if answer.status in GONE:  # perhaps never ours: nothing says that there ever was a result
        return TrainerUnavailable(reason="it does not know this request")
    if answer.status in (408, 429) or not 400 <= answer.status < 500:
        return unavailable(answer)
    return _run_failure(answer, complaint, ending.told)


def _run_failure(answer: Answer, complaint: Complaint, told: str | None) -> ProductError:
    """The model's own failure; an input field at fault is one that the user can correct."""
    if complaint.field and 400 <= answer.status < 500:
        return TrainerRejectedInput(field=complaint.field, reason=complaint.reason)
    gone = answer.status in GONE and not complaint.itemized
    # fal.md §1: a 5xx is never billed, a 4xx may be
    charged = False if answer.status >= 500 else None
    return TrainingFailed(reason=told if told and gone else complaint.reason, charged=charged)


def _ends_a_run(error_type: str) -> bool:
    return error_type in _RUN_ENDINGS or error_type.startswith("runner_")
