"""Whether a reported result is a job's: anybody can make fal.ai call us, so id and nonce have to be ours. Pure."""

from __future__ import annotations

from shared.events import ResultReported
from shared.jobs import Job
from shared.training_records import FalJob


def request_of(job: Job, event: ResultReported) -> FalJob | None:
    """The request to look at: the recorded one, or the reported one where none was recorded and the nonce is ours."""
    if job.fal is not None:
        ours = job.fal.nonce == event.nonce and job.fal.request_id == event.request_id
        return job.fal if ours else None
    if job.claim is None or job.claim.nonce != event.nonce:
        return None
    return FalJob(
        request_id=event.request_id,
        nonce=event.nonce,
        endpoint=job.endpoint,
        submitted_at=job.since,
    )


def mismatch(job: Job, event: ResultReported) -> str:
    """Why a report is not this job's, for the log: `nonce` is another attempt or a stranger's."""
    known = job.fal or job.claim
    if known is None:
        return "never_submitted"
    return "nonce" if known.nonce != event.nonce else "request"
