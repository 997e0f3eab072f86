"""fal.ai in virtual time: the `Trainer` and `ArtifactSource` ports over runs that queue, run, bill and call back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from shared.adapters.embedded.signing import OBJECTS_PATH
from shared.adapters.memory import MemoryObjects
from shared.adapters.memory.objects import SIGNER
from shared.errors import (
    ArtifactUnavailable,
    NotAllowed,
    ProductError,
    SubmissionUncertain,
    TrainerAccountLocked,
    TrainerRejectedInput,
    TrainerUnavailable,
    TrainingFailed,
)
from shared.ports import Artifact, CancelAnswer, ForgetAnswer, Forgotten, RunOutput, RunState, RunStatus, Submission
from shared.trainers.entry import Pictures
from shared.training_records import FalJob
from tests.fakes import CONFIG_URL, FILE_URL, PICTURE_URL, pictures_at
from tests.simulation.fate import Fate
from tests.simulation.made import CONFIG, picture_of, weights_of
from tests.simulation.scheduler import Scheduler, VirtualClock
from tests.simulation.weather import CALM_AFTER_S, Weather

NEVER_S = 1e9
# How often its safety checker finds something in a picture.
FLAGGED = 0.2
# In so many runs of several pictures one is not delivered.
FEWER = 0.1
PRICE_USD = 0.02
# Of how many schedules the key is one that cannot delete at fal.ai.
MAY_NOT_DELETE = 0.2


def failures_of(makes: Pictures | None) -> Sequence[ProductError]:
    """The ways in which a run can fail."""
    return (
        TrainingFailed(reason="out of memory", charged=False),
        TrainerRejectedInput(field="images_data_url", reason="could not be read", charged=None)
        if makes is None
        else TrainerRejectedInput(field="prompt", reason="content_policy_violation", charged=None),
    )


@dataclass
class Run:
    """One accepted request: what it will come to, and what it has come to so far.

    `training_id` is the job's, of either kind. `missing` are the objects that could not be fetched when it began; where
    `makes` is not None it makes pictures, and `flags` is what the safety checker says of them.
    """

    job: FalJob
    training_id: str
    submission: Submission
    listed_at_s: float
    outcome: ProductError | None
    state: RunState = RunState.IN_QUEUE
    failure: ProductError | None = None
    stopping: bool = False
    billed: bool = False
    missing: tuple[str, ...] = ()
    makes: Pictures | None = None
    flags: tuple[bool, ...] = ()
    forgotten: bool = False

    @property
    def delivered(self) -> bool:
        """Whether it ended well."""
        return self.state is RunState.COMPLETED and self.failure is None

    @property
    def weights(self) -> bytes:
        """The weights of this run, unlike those of any other."""
        return weights_of(self.job.request_id)

    @property
    def links(self) -> tuple[str, ...]:
        """The signed URLs among what was sent."""
        return tuple(_links(self.submission.arguments))


def _links(value: Any) -> Iterator[str]:
    if isinstance(value, str) and OBJECTS_PATH in value:
        yield value
    elif isinstance(value, Mapping):
        yield from _links(list(value.values()))
    elif isinstance(value, list):
        for each in value:
            yield from _links(each)


@dataclass(frozen=True, kw_only=True)
class Callback:
    """A webhook call, signed by fal.ai: `key` names it in the story."""

    key: str
    training_id: str
    nonce: str
    request_id: str


class SimulatedFal:
    """fal.ai, fair or foul by `weather`; `call_back` is the way to our webhook.

    `buckets` are those that it can be given signed URLs of, by name. `is_wanted` tells whether a job is still under
    way: what it was sent has to be there.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        clock: VirtualClock,
        fate: Fate,
        weather: Weather,
        buckets: Mapping[str, MemoryObjects],
        call_back: Callable[[Callback], None],
        is_wanted: Callable[[str], bool],
        tell: Callable[[str], None],
    ) -> None:
        """Nothing was ever requested."""
        self.runs: dict[str, Run] = {}
        self._scheduler, self._clock, self._fate, self._weather = scheduler, clock, fate, weather
        self._buckets, self._call_back, self._is_wanted, self._tell = buckets, call_back, is_wanted, tell
        self._submits: dict[str, int] = {}
        self._fetches = 0
        self.expired: set[str] = set()

    # --- the Trainer port

    def submit(self, submission: Submission) -> FalJob:
        """Accept or refuse; accept and then lose the connection."""
        training_id = submission.webhook_url.split("/")[-2]
        self._submits[training_id] = number = self._submits.get(training_id, 0) + 1
        key = f"submit {training_id}#{number}"
        refusals: list[ProductError] = [
            TrainerUnavailable(reason="429"),
            TrainerUnavailable(reason="503"),
            TrainerRejectedInput(field="steps", reason="422"),
            TrainerAccountLocked(reason="403"),
            SubmissionUncertain(reason="no answer, and nothing was accepted"),
        ]
        if self._bad(f"{key}: refused", self._weather.submit / 2):
            raise self._fate.pick(f"{key} refusal", refusals)
        job = self._accept(submission, training_id)
        if self._bad(f"{key}: answer lost", self._weather.submit / 2):
            self._tell(f"fal.ai accepted {job.request_id} and its answer was lost")
            raise SubmissionUncertain(reason="the connection was lost")
        return job

    def status(self, job: FalJob, *, log: bool) -> RunStatus:
        """Where the run stands."""
        run = self.runs[job.request_id]
        return RunStatus(state=run.state, log=("step 5/10",) if run.state is not RunState.IN_QUEUE else ())

    def result(self, job: FalJob) -> RunOutput | None:
        """The output of an ended run."""
        if (run := self.runs.get(job.request_id)) is None:
            raise ArtifactUnavailable(reason="404: no such request")
        if run.state is not RunState.COMPLETED:
            return None
        if run.failure is not None:
            raise run.failure
        if run.makes is not None:
            return _pictures_of(run, run.makes)
        artifacts: Mapping[str, Artifact] = {
            "diffusers_lora_file": Artifact(url=FILE_URL.format(job.request_id, "weights"), size=len(run.weights)),
            "config_file": Artifact(url=CONFIG_URL.format(job.request_id)),
        }
        return RunOutput(artifacts=artifacts, raw={})

    def cancel(self, job: FalJob) -> CancelAnswer:
        """Stop a queued run, perhaps a running one; never one that ended."""
        run = self.runs[job.request_id]
        if run.state is RunState.COMPLETED:
            return CancelAnswer.TOO_LATE
        if run.state is RunState.IN_QUEUE or not self._bad(f"cancel {job.request_id}: ignored", 0.3):
            run.stopping = True
        return CancelAnswer.REQUESTED

    def forget(self, request_id: str) -> Forgotten:
        """Forget a request, where the key of this schedule may do that."""
        if self._fate.fraction("the key may not delete") < MAY_NOT_DELETE:
            return Forgotten(answer=ForgetAnswer.REFUSED)
        run = self.runs[request_id]
        answer = ForgetAnswer.UNKNOWN if run.forgotten else ForgetAnswer.FORGOTTEN
        run.forgotten = True
        return Forgotten(answer=answer)

    def cost_usd(self, job: FalJob) -> float | None:
        """What was billed."""
        run = self.runs.get(job.request_id)
        return PRICE_USD if run is not None and run.billed else None

    def find(self, endpoint: str, nonce: str, *, since: datetime) -> FalJob | None:
        """The request with the nonce, once fal.ai's list shows it."""
        for run in self.runs.values():
            if run.job.nonce == nonce and run.listed_at_s <= self._clock.elapsed_s:
                return replace(run.job, status_url=None, response_url=None, cancel_url=None)
        return None

    # --- the ArtifactSource port

    @contextmanager
    def open(self, artifact: Artifact, *, max_bytes: int) -> Iterator[Iterator[bytes]]:
        """The file's bytes, whole or not."""
        self._fetches += 1
        run = self.runs[artifact.url.split("/")[-2]]
        if run.training_id in self.expired:
            yield iter([b""])
            return
        if "config" in artifact.url:
            broken = self._bad(f"fetch {run.job.request_id}#{self._fetches}: config broken", self._weather.media)
            yield iter([b"<html>" if broken else CONFIG])
            return
        content = run.weights
        if run.makes is not None:
            content = picture_of(run.job.request_id, int(artifact.url.rpartition("/")[2].removesuffix(".jpg")))
        key = f"fetch {run.job.request_id}#{self._fetches}"
        if self._bad(f"{key}: broken", self._weather.media):
            content = self._fate.pick(key, [content[: len(content) // 2], b"\xff" * len(content), b"", b"<html>"])
        half = max(1, len(content) // 2)
        yield (content[i : i + half] for i in range(0, len(content), half))

    # --- the life of a run

    def _accept(self, submission: Submission, training_id: str) -> FalJob:
        # pictures are counted by themselves: what befalls a training does not depend on them
        makes = pictures_at(submission.endpoint)
        request_id = f"{'p' if makes else 'r'}{sum((run.makes is None) is (makes is None) for run in self._all()) + 1}"
        base = f"https://queue.fal.run/{request_id}"
        job = FalJob(
            request_id=request_id,
            nonce=submission.nonce,
            endpoint=submission.endpoint,
            status_url=f"{base}/status",
            response_url=base,
            cancel_url=f"{base}/cancel",
            submitted_at=self._clock.now(),
        )
        lag = self._fate.pick(f"{request_id} listed", [5.0, 60.0, 900.0, 7200.0])
        if self._bad(f"{request_id}: never listed", self._weather.run / 4):
            lag = NEVER_S
        run = Run(
            job=job,
            training_id=training_id,
            submission=submission,
            listed_at_s=self._clock.elapsed_s + lag,
            outcome=self._outcome(request_id, failures_of(makes)),
            makes=makes,
            flags=tuple(
                self._fate.fraction(f"{request_id} flags {number}") < FLAGGED
                for number in range(self._delivers(request_id, int(submission.arguments.get("num_images", 0))))
            ),
        )
        self.runs[request_id] = run
        self._tell(f"fal.ai accepts {request_id} for {training_id}")
        if self._bad(f"{request_id}: strangers call", self._weather.webhook / 2):
            self._let_strangers_call(run)
        queued = self._fate.pick(f"{request_id} queue", [0.0, 5.0, 60.0, 60.0, 600.0, 3000.0])
        self._scheduler.after(queued, lambda: self._begin(run))
        return job

    def _all(self) -> list[Run]:
        return list(self.runs.values())

    def _delivers(self, request_id: str, asked: int) -> int:
        """How many pictures a run makes: sometimes one less than was asked for."""
        return asked - (asked > 1 and self._fate.strikes(f"{request_id} delivers fewer", FEWER))

    def _outcome(self, request_id: str, failures: Sequence[ProductError]) -> ProductError | None:
        if not self._bad(f"{request_id}: fails", self._weather.run / 2):
            return None
        return self._fate.pick(f"{request_id} failure", failures)

    def _begin(self, run: Run) -> None:
        if run.stopping:
            return self._end(run, TrainingFailed(reason="canceled", charged=False))
        run.state = RunState.IN_PROGRESS
        if missing := tuple(link for link in run.links if not self._can_fetch(link)):
            run.missing = missing if self._is_wanted(run.training_id) else ()
            return self._end(run, TrainerRejectedInput(field="url", reason="file_download_error"))
        request_id = run.job.request_id
        takes = self._fate.pick(f"{request_id} takes", [0.0, 30.0, 120.0, 120.0, 1500.0])
        if self._bad(f"{request_id}: hangs", self._weather.run / 4):
            takes = 3 * 60 * 60.0
        self._scheduler.after(takes, lambda: self._end(run, run.outcome))
        return None

    def _can_fetch(self, link: str) -> bool:
        url = urlsplit(link)
        bucket, name = object_in(link)
        try:
            SIGNER.verify(bucket, name, dict(parse_qsl(url.query)), now=self._clock.now())
        except NotAllowed:
            return False
        return self._buckets[bucket].stat(name) is not None

    def _end(self, run: Run, failure: ProductError | None) -> None:
        request_id = run.job.request_id
        if run.stopping and run.state is RunState.IN_PROGRESS:
            failure = TrainingFailed(reason="canceled", charged=None)
        run.state, run.failure = RunState.COMPLETED, failure
        run.billed = failure is None or (
            failure.charged is not False and self._bad(f"{request_id}: billed all the same", 0.5)
        )
        self._tell(f"fal.ai ends {request_id}: {failure.code if failure else 'done'}, billed: {run.billed}")
        if self._bad(f"{request_id}: webhook lost", self._weather.webhook / 2):
            return
        self._send(run, "1")
        if self._bad(f"{request_id}: webhook doubled", self._weather.webhook / 2):
            self._send(run, "2")

    def _send(self, run: Run, copy: str) -> None:
        key = f"{run.job.request_id} webhook {copy}"
        late = self._bad(f"{key}: late", self._weather.webhook / 2)
        delay = self._fate.between(key, 60, 5400) if late else self._fate.between(key, 0, 2)
        callback = Callback(key=key, training_id=run.training_id, nonce=run.job.nonce, request_id=run.job.request_id)
        self._scheduler.after(delay, lambda: self._call_back(callback))

    def _let_strangers_call(self, run: Run) -> None:
        """fal.ai truly signs for any of its customers: one guesses at our URLs, one knows the whole URL."""
        guess = Callback(key="guess", training_id=run.training_id, nonce="guess", request_id="r1")
        theirs = Callback(key="theirs", training_id=run.training_id, nonce=run.job.nonce, request_id="r0")
        for callback in (guess, theirs):
            named = replace(callback, key=f"{run.job.request_id} {callback.key}")
            at = self._fate.between(named.key, 0, 300)
            self._scheduler.after(at, lambda c=named: self._call_back(c))  # type: ignore[misc]

    def _bad(self, key: str, probability: float) -> bool:
        return self._clock.elapsed_s <= CALM_AFTER_S and self._fate.strikes(key, probability)


def _pictures_of(run: Run, makes: Pictures) -> RunOutput:
    """The output of a run that made pictures (fal.md §4)."""
    request_id = run.job.request_id
    artifacts = {
        f"{makes.images_field}.{number}": Artifact(url=PICTURE_URL.format(request_id, number))
        for number in range(len(run.flags))
    }
    return RunOutput(artifacts=artifacts, raw={"has_nsfw_concepts": list(run.flags)})


def object_in(link: str) -> tuple[str, str]:
    """Bucket and name of the object that a signed URL leads to."""
    bucket, _, name = urlsplit(link).path.removeprefix(f"{OBJECTS_PATH}/").partition("/")
    return bucket, name


def digest(run: Run) -> str | None:
    """The sha256 of the weights of `run`, as the model document has it; None where it makes pictures."""
    return None if run.makes else sha256(run.weights).hexdigest()
