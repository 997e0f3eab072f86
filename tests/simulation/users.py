"""The users of a schedule: they press Train, press it again, cancel, ask, retry, each at a moment of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from functions.api.end_training import cancel_job, retry_training
from functions.api.start_training import Wish, owned_shoot, start_training
from shared.events import CheckRequested
from shared.shoots import preprocessed_prefix
from shared.stages import Status
from tests.simulation.fate import Fate
from tests.simulation.requests import Requests
from tests.wiring import Functions

FIRST_CAPTION = b"[trigger] in a picture"
"""What every caption of a shoot says in the beginning."""


@dataclass(frozen=True, kw_only=True)
class Users:
    """What the users of trainings do; those who go on from a model are in `studio_users`."""

    functions: Functions
    fate: Fate
    requests: Requests
    keys: set[str] = field(default_factory=set)
    """The different keys that they press with, each however often."""

    def plan(self) -> None:
        """Decide who wants what when."""
        for number in range(1, 2 + int(self.fate.fraction("trainings") * 4)):
            owner = self.fate.pick(f"owner {number}", ("anna", "bert"))
            at = self.fate.between(f"press {number}", 0, 300)
            self.requests.do(at, f"press {number}", self._press(owner, number))
            if self.requests.likes(f"{number} presses twice"):
                self.requests.do(
                    at + self.fate.between(f"press {number} again", 0, 3),
                    f"press {number}'",
                    self._press(owner, number),
                )
            if self.requests.likes(f"{number} presses in another tab"):
                later = self.fate.between(f"press {number} in another tab", 0, 1800)
                self.requests.do(at + later, f"tab {number}", self._press(owner, number, tab=" in another tab"))

        for owner in ("anna", "bert"):
            if self.requests.likes(f"{owner} edits a caption"):
                at = self.fate.between(f"{owner} edits", 0, self.fate.pick(f"{owner} edits by", (300.0, 6000.0)))
                self.requests.do(at, f"edit {owner}", partial(self._edit, owner, b"edited"))
                if self.requests.likes(f"{owner} edits it back"):
                    at += self.fate.between(f"{owner} edits back", 0, 300)
                    self.requests.do(at, f"edit {owner} back", partial(self._edit, owner, FIRST_CAPTION))

    def _edit(self, owner: str, caption: bytes) -> None:
        """As the API does it: into a shoot that is there."""
        shoot = owned_shoot(f"s_{owner}", owner, self.functions.shoots)
        name = f"{preprocessed_prefix(shoot.id)}00.txt"
        self.functions.pictures.write(name, [caption], content_type="text/plain")

    def recover(self, training_id: str) -> None:
        """Press Retry on a training whose weights are still to be had."""
        self.requests.do(0, f"recover {training_id}", lambda: self._retry(training_id))

    def _press(self, owner: str, number: int, tab: str = "") -> Callable[[], None]:
        continuable = self.fate.fraction(f"{number} can be continued") < 0.2
        wish = Wish(
            shoot_id=f"{'l' if continuable else 's'}_{owner}",
            trigger_word="TOK",
            trainer=f"fal-ai/{'flux-lora-portrait-trainer' if continuable else 'flux-lora-fast-training'}",
            parameters={"steps": 10 + number},
            samples=self.fate.pick(f"samples {number}", (0, 0, 0, 1)),
        )

        key = f"key {number}{tab}"
        self.keys.add(key)

        def press() -> None:
            training = start_training(owner, key, wish, self.functions.desk)
            self.follow(training.id, f"{number}{tab}")

        return press

    def follow(self, training_id: str, number: str) -> None:
        """What the user of a training does later."""
        likes, do = self.requests.likes, self.requests.do
        if likes(f"{number} cancels"):
            at = self.fate.between(f"cancel {number}", 0, self.fate.pick(f"cancel {number} by", (5.0, 600.0, 3000.0)))
            do(at, f"cancel {number}", lambda: self._cancel(training_id))
        if likes(f"{number} asks"):
            at = self.fate.between(f"ask {number}", 0, 1800)
            do(at, f"ask {number}", lambda: self._ask(training_id))
        if likes(f"{number} retries"):
            at = self.fate.between(f"retry {number}", 300, 5400)
            do(at, f"retry {number}", lambda: self._retry(training_id))
            if likes(f"{number} retries again"):
                at += self.fate.between(f"retry {number} again", 0, self.fate.pick(f"again {number} by", (3.0, 9000.0)))
                do(at, f"retry {number}'", lambda: self._retry(training_id))

    def _cancel(self, training_id: str) -> None:
        functions = self.functions
        training = functions.trainings.get(training_id)
        cancel_job(training, jobs=functions.jobs, publisher=functions.publisher, clock=functions.clock)

    def _ask(self, training_id: str) -> None:
        self.functions.publisher.publish(CheckRequested(training_id=training_id))

    def _retry(self, training_id: str) -> None:
        training = self.functions.trainings.get(training_id)
        if training.status in (Status.FAILED, Status.CANCELED):
            retry_training(training, self.functions.desk)
