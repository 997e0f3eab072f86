"""fal.ai in memory: the `Trainer` and `ArtifactSource` ports, with faults on purpose."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from PIL import Image

from shared.adapters.memory import Faults, FixedClock
from shared.errors import ArtifactUnavailable, ProductError, TrainerUnavailable
from shared.ports import Artifact, CancelAnswer, ForgetAnswer, Forgotten, RunOutput, RunState, RunStatus, Submission
from shared.trainers import TRAINERS
from shared.trainers import trainer as spec_of
from shared.trainers.entry import Pictures
from shared.training_records import FalJob

FILE_URL = "https://v3.fal.media/files/{}/{}.safetensors"
PICTURE_URL = "https://v3.fal.media/files/{}/{}.jpg"
CONFIG_URL = "https://v3.fal.media/files/{}/config.json"


def pictures_at(endpoint: str) -> Pictures | None:
    """How pictures are made at that endpoint; None where it is another one."""
    known = (spec.base_model.pictures for spec in TRAINERS.values())
    return next((pictures for pictures in known if pictures and pictures.endpoint == endpoint), None)


def small_jpeg(seed: int = 0, size: int = 64) -> bytes:
    """A small real JPEG."""
    out = io.BytesIO()
    Image.new("RGB", (size, size), ((seed * 37) % 256, (seed * 91) % 256, 128)).save(out, "JPEG")
    return out.getvalue()


def lora_weights(seed: int = 1) -> bytes:
    """A small real safetensors file with LoRA tensors."""
    names = [f"transformer.blocks.0.attn.to_{k}.lora_{side}.weight" for k in "qk" for side in "AB"]
    size = 4 * 8 * 2
    header = {
        name: {"dtype": "F16", "shape": [4, 8], "data_offsets": [i * size, (i + 1) * size]}
        for i, name in enumerate(names)
    }
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    values = bytes(((seed + i) % 50) + 10 for i in range(size * len(names)))
    return len(text).to_bytes(8, "little") + text + values


@dataclass
class Run:
    """One accepted request at the fake fal.ai."""

    job: FalJob
    submission: Submission
    state: RunState = RunState.IN_QUEUE
    log: tuple[str, ...] = ()
    failure: ProductError | None = None
    canceled: bool = False


@dataclass
class FakeFal:
    """Accepts requests and ends them when told to. `lose_answer` accepts and then answers with an error.

    `leaves_out` is a field of weights that its outputs lack, `flags` are what its safety checker says of pictures, of
    which it `delivers` so many, whatever was asked for.
    `hides_list` is a request list that shows nothing yet, `undeletable` how many files of a run it cannot delete.
    """

    clock: FixedClock
    runs: dict[str, Run] = field(default_factory=dict)
    refuse: list[ProductError] = field(default_factory=list)
    lose_answer: list[ProductError] = field(default_factory=list)
    unreachable: list[ProductError] = field(default_factory=list)
    price_usd: float | None = 0.02
    forgets_status: bool = False
    leaves_out: str = ""
    forgotten: list[str] = field(default_factory=list)
    keeps_all: bool = False
    hides_list: bool = False
    undeletable: int = 0
    flags: tuple[bool, ...] = ()
    delivers: int | None = None
    faults: Faults = field(default_factory=Faults)
    before_answer: Callable[[Run], None] | None = None

    def submit(self, submission: Submission) -> FalJob:
        """Accept, unless told otherwise."""
        if self.refuse:
            raise self.refuse.pop(0)
        number = len(self.runs) + 1
        job = FalJob(
            request_id=f"r{number}",
            nonce=submission.nonce,
            endpoint=submission.endpoint,
            status_url=f"https://queue.fal.run/r{number}/status",
            response_url=f"https://queue.fal.run/r{number}",
            cancel_url=f"https://queue.fal.run/r{number}/cancel",
            submitted_at=self.clock.now(),
        )
        self.runs[job.request_id] = Run(job=job, submission=submission)
        if self.before_answer:
            self.before_answer(self.runs[job.request_id])
        if self.lose_answer:
            raise self.lose_answer.pop(0)
        return job

    def status(self, job: FalJob, *, log: bool) -> RunStatus:
        """Where the run stands."""
        self._reach()
        if self.forgets_status:
            raise TrainerUnavailable(reason="it does not know the request")
        run = self.runs[job.request_id]
        return RunStatus(state=run.state, log=run.log if log else ())

    def result(self, job: FalJob) -> RunOutput | None:
        """The output of an ended run."""
        with self.faults.around("result"):
            self._reach()
            return self._result(job)

    def _result(self, job: FalJob) -> RunOutput | None:
        if (run := self.runs.get(job.request_id)) is None:
            raise ArtifactUnavailable(reason="404: no such request")
        if run.state is not RunState.COMPLETED:
            return None
        if run.failure is not None:
            raise run.failure
        if (made := pictures_at(job.endpoint)) is not None:
            return self._pictures(run, made)
        spec = spec_of(job.endpoint)
        named = [output.output for output in spec.weights if output.output != self.leaves_out]
        files = {name: FILE_URL.format(job.request_id, name) for name in named}
        artifacts = {name: Artifact(url=url, size=len(lora_weights())) for name, url in files.items()}
        artifacts[spec.config_field] = Artifact(url=CONFIG_URL.format(job.request_id))
        return RunOutput(artifacts=artifacts, raw={name: {"url": a.url} for name, a in artifacts.items()})

    def _pictures(self, run: Run, made: Pictures) -> RunOutput:
        """As many pictures as were asked for, and what the safety checker said."""
        count = self.delivers if self.delivers is not None else run.submission.arguments.get("num_images", 1)
        names = [made.images_field] if made.one_image else [f"{made.images_field}.{k}" for k in range(count)]
        artifacts = {name: Artifact(url=PICTURE_URL.format(run.job.request_id, name)) for name in names}
        raw = {"seed": run.submission.arguments["seed"], "has_nsfw_concepts": [*self.flags, *[False] * count][:count]}
        return RunOutput(artifacts=artifacts, raw=raw)

    def cancel(self, job: FalJob) -> CancelAnswer:
        """Stop the run where it has not ended."""
        self._reach()
        run = self.runs[job.request_id]
        if run.state is RunState.COMPLETED:
            return CancelAnswer.TOO_LATE
        run.canceled = True
        return CancelAnswer.REQUESTED

    def cost_usd(self, job: FalJob) -> float | None:
        """What a run that ended well cost."""
        run = self.runs[job.request_id]
        return self.price_usd if run.state is RunState.COMPLETED and run.failure is None else None

    def find(self, endpoint: str, nonce: str, *, since: datetime) -> FalJob | None:
        """The run with the nonce, as the list tells it: without URLs."""
        self._reach()
        for run in () if self.hides_list else self.runs.values():
            if run.job.nonce == nonce and run.job.endpoint == endpoint:
                return replace(run.job, status_url=None, response_url=None, cancel_url=None)
        return None

    def forget(self, request_id: str) -> Forgotten:
        """Forget a run's data; the run itself stays in the books."""
        self._reach()
        if self.keeps_all:
            return Forgotten(answer=ForgetAnswer.REFUSED)
        if request_id not in self.runs or request_id in self.forgotten:
            return Forgotten(answer=ForgetAnswer.UNKNOWN)
        self.forgotten.append(request_id)
        return Forgotten(answer=ForgetAnswer.FORGOTTEN, files=2 - self.undeletable, left=self.undeletable)

    def end(self, request_id: str, failure: ProductError | None = None) -> Run:
        """Let a run end."""
        run = self.runs[request_id]
        run.state, run.failure = RunState.COMPLETED, failure
        run.log = (*run.log, "Saving LoRA weights")
        return run

    def _reach(self) -> None:
        if self.unreachable:
            raise self.unreachable.pop(0)


@dataclass
class FakeMedia:
    """Serves weights and configuration; `broken` contents and `errors` come first, one per fetch of weights.

    `further` are the weights of fields other than the first trainer's.
    """

    weights: bytes = field(default_factory=lora_weights)
    further: Mapping[str, bytes] = field(default_factory=lambda: {"high_noise_lora": lora_weights(seed=2)})
    config: bytes = b'{"steps": 10}'
    broken: list[bytes] = field(default_factory=list)
    errors: list[ProductError] = field(default_factory=list)
    fetched: int = 0
    configs_fetched: int = 0

    @contextmanager
    def open(self, artifact: Artifact, *, max_bytes: int) -> Iterator[Iterator[bytes]]:
        """The file's bytes in small chunks."""
        if "config" in artifact.url:
            self.configs_fetched += 1
            yield iter([self.config])
            return
        self.fetched += 1
        if self.errors:
            raise self.errors.pop(0)
        if len(self.weights) > max_bytes:
            raise ArtifactUnavailable(reason="too large")
        named = artifact.url.rpartition("/")[2].removesuffix(".safetensors")
        whole = small_jpeg(len(named)) if named.endswith(".jpg") else self.further.get(named, self.weights)
        content = self.broken.pop(0) if self.broken else whole
        yield (content[i : i + 37] for i in range(0, len(content), 37))
