"""Where that is kept which jobs leave beside them: money, stories, erasures, notices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.accounts import Account
    from shared.erasing.receipt import Erasure
    from shared.notices import Notices
    from shared.ports.pages import Page
    from shared.stories import StoryEntry


class AccountRepository(Protocol):
    """What users have reserved and spent."""

    def get(self, owner_id: str) -> Account:
        """The owner's account; an empty one where nothing was ever reserved."""
        ...

    def update(self, owner_id: str, change: Callable[[Account], Account]) -> Account:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        ...


class StoryRepository(Protocol):
    """What happened to trainings. Entries are only ever added, and vanish some time after they expire."""

    def append(self, entry: StoryEntry) -> None:
        """Keep it; nothing changes where one with its id is kept already."""
        ...

    def list_for_training(self, training_id: str, *, limit: int) -> list[StoryEntry]:
        """The latest `limit` entries of the training, in the order in which they began."""
        ...

    def forget(self, training_id: str) -> None:
        """Delete every entry of the training; no error where there is none."""
        ...


class ErasureRepository(Protocol):
    """Erasures, and the receipts that they become; every write is conditional on the version that was read."""

    def get(self, erasure_id: str) -> Erasure:
        """The erasure; `ErasureNotFound` where there is none."""
        ...

    def create(self, erasure: Erasure) -> bool:
        """Write a new erasure; False, and nothing changed, where one with its id exists."""
        ...

    def update(self, erasure_id: str, change: Callable[[Erasure], Erasure]) -> Erasure:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        ...

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Erasure]:
        """The owner's erasures, newest first."""
        ...

    def list_open(self, *, unchanged_since: datetime, limit: int) -> list[Erasure]:
        """Anybody's erasures that are not done and that nobody changed after that time, the longest unchanged first."""
        ...


class NoticeRepository(Protocol):
    """What was told to the outside about jobs, by the job's id."""

    def get(self, job_id: str) -> Notices:
        """The job's notices; none where nothing was ever told."""
        ...

    def update(self, job_id: str, change: Callable[[Notices], Notices]) -> Notices:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        ...

    def delete(self, job_id: str) -> None:
        """Forget them; no error where there are none."""
        ...
