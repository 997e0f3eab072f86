"""Where jobs of both kinds are kept; every write is conditional on the version that was read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from shared.image_jobs import ImageJob
    from shared.jobs import Job
    from shared.ports.pages import Page
    from shared.stages import Status
    from shared.trainings import Training

J = TypeVar("J", bound="Job")


class JobRepository(Protocol[J]):
    """Jobs of one kind: what is promised for either."""

    def get(self, job_id: str) -> J:
        """The job; `TrainingNotFound` or `ImagesNotFound` where there is none."""
        ...

    def create(self, job: J) -> bool:
        """Write a new job; False, and nothing changed, where one with its id exists."""
        ...

    def update(self, job_id: str, change: Callable[[J], J]) -> J:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; the job as it now is.

        A change that returns its argument writes nothing. What `change` raises passes through and nothing is written.
        As `get` where there is none; `DatabaseUnavailable` when too many others keep winning.
        """
        ...

    def delete(self, job_id: str) -> None:
        """Forget the job and what the app sees of it; no error where there is none."""
        ...

    def list_followed(self, *, limit: int) -> list[J]:
        """Jobs that are under way or whose end is not finished yet, the longest unchanged first."""
        ...

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[J]:
        """Jobs that were given up while fal.ai may still deliver and that nobody changed after that time."""
        ...

    def list_ended(
        self, status: Status, *, unchanged_since: datetime, limit: int, owner_id: str | None = None
    ) -> list[J]:
        """Jobs in that status that nobody changed after that time, the longest unchanged first: the owner's, or
        anybody's."""
        ...


class TrainingRepository(JobRepository["Training"], Protocol):
    """Trainings."""

    def list_for_owner(
        self,
        owner_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        status: Status | None = None,
        shoot_id: str | None = None,
    ) -> Page[Training]:
        """The owner's trainings, newest first; in that status and of that shoot, where they are given."""
        ...

    def list_by_recipe(self, owner_id: str, recipe: str, statuses: Collection[Status]) -> list[Training]:
        """All of the owner's trainings with that recipe that stand in one of the statuses, the newest first."""
        ...

    def list_succeeded(self, trainer: str, *, limit: int) -> list[Training]:
        """Anybody's trainings with that trainer that succeeded, the latest first: only their times are of interest."""
        ...


class ImageJobRepository(JobRepository["ImageJob"], Protocol):
    """Sets of pictures."""

    def list_for_owner(
        self,
        owner_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        model_id: str | None = None,
        group_id: str | None = None,
    ) -> Page[ImageJob]:
        """The owner's sets, newest first; with that model, or of that comparison, where one of the two is given."""
        ...
