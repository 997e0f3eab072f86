"""What was told to the outside about the ends of jobs: each end once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.errors import NotificationRefused, NotificationUndelivered


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One end of a job, on its way to the receiver.

    `body` is what is sent, the same at every attempt; it is forgotten when `sent_at` is set. Until `held_until` one
    delivery, and no other, sends it. `refused` is why the receiver does not want it, empty where it said nothing.
    """

    body: str = ""
    held_until: datetime | None = None
    refused: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Notices:
    """The notices of the job `id`, by the ids that the receiver knows them by."""

    id: str
    notices: Mapping[str, Notice] = field(default_factory=dict)

    def is_sent(self, notice_id: str) -> bool:
        """Whether the receiver has it."""
        return self._of(notice_id).sent_at is not None

    def claimed(self, notice_id: str, body: str, *, at: datetime, until: datetime, again: bool) -> Notices:
        """These, with the right to send the notice; themselves where it was sent.

        Raises `NotificationUndelivered` where another delivery holds it. With `again`, which is a later attempt of the
        same message, raises `NotificationRefused` where the receiver does not want it: it is not asked twice.
        """
        notice = self._of(notice_id)
        if notice.sent_at:
            return self
        if notice.held_until and notice.held_until > at:
            raise NotificationUndelivered(reason="another delivery is sending it just now")
        if notice.refused and again:
            raise NotificationRefused(reason=notice.refused)
        return self._with(notice_id, Notice(body=notice.body or body, held_until=until))

    def failed(self, notice_id: str, *, refused: str = "") -> Notices:
        """These, with the notice free to be sent again, or `refused`; themselves where it was sent."""
        if self.is_sent(notice_id):
            return self
        return self._with(notice_id, replace(self._of(notice_id), held_until=None, refused=refused))

    def done(self, notice_id: str, *, at: datetime) -> Notices:
        """These, with the notice sent; themselves where it was."""
        return self if self.is_sent(notice_id) else self._with(notice_id, Notice(sent_at=at))

    def _of(self, notice_id: str) -> Notice:
        return self.notices.get(notice_id, Notice())

    def _with(self, notice_id: str, notice: Notice) -> Notices:
        return replace(self, notices={**self.notices, notice_id: notice})
