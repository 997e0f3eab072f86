"""What a sweep found, read from the story that the monitor told of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from functions.api.story_sentences import sentence_of_event
from functions.api.views import View
from shared.stories import Outcome, StoryEntry

SWEEP = "sweep_"


class FoundView(View):
    """Something that was found or done, and of which training."""

    at: datetime
    training_id: str
    name: str = Field(examples=["stage_announced_again"])
    text: str


class SweepView(View):
    """A look at everything. `code` says why it did not work where it did not; it is then tried again.

    `hindered` are trainings that could not be looked after, `late` those past a deadline, `swept` leftover ZIPs.
    """

    id: str
    done: bool
    code: str | None = None
    checked: int = 0
    hindered: int = 0
    swept: int = 0
    late: int = 0
    found: list[FoundView] = Field(default_factory=list)


def sweep_view(sweep_id: str, entries: Sequence[StoryEntry]) -> SweepView:
    """The sweep as its latest entry tells it."""
    if not entries:
        return SweepView(id=sweep_id, done=False)
    entry = entries[-1]
    counts = next((event.fields for event in entry.events if event.name == "tick_done"), {})
    found = [
        FoundView(at=event.at, training_id=event.fields["training_id"], name=event.name, text=sentence_of_event(event))
        for event in entry.events
        if "training_id" in event.fields
    ]
    counted = {name: counts[name] for name in ("checked", "hindered", "swept", "late") if name in counts}
    return SweepView(id=sweep_id, done=entry.outcome is Outcome.ACKED, code=entry.code, found=found, **counted)
