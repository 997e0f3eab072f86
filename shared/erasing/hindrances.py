"""What hinders an erasure for now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.jobs import Job
from shared.stages import Attention


def under_way(jobs: Iterable[Job]) -> Iterator[Job]:
    """Those that cannot be deleted yet: they run, or fal.ai may still deliver what was paid for."""
    return (job for job in jobs if not job.is_terminal or job.attention is Attention.WATCHED)
