"""What holds after every schedule: the promises of `tests/rules.py`, and what only a simulation can see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise

from shared.image_jobs import ImageJob, Origin
from shared.jobs import Job
from shared.lineage import current_of
from shared.models import Model, staging_prefix
from shared.stages import Status
from shared.trainings import Training
from tests.evidence import Evidence, FalRun
from tests.rules import broken
from tests.simulation.erasure_rules import ERASURE_RULES
from tests.simulation.fal import Run, digest, object_in
from tests.simulation.made import CONFIG, picture_digest
from tests.simulation.scheduler import START
from tests.simulation.simulation import SETTINGS, Outcome
from tests.simulation.undone import without_undone

# Written down a second time, from the design's text and not from the product's table.
MOVES: Mapping[str, str] = {
    "requested": "packaged failed canceled",
    "packaged": "submitting requested failed canceled",
    "submitting": "submitted mirroring failed canceled",
    "submitted": "running mirroring failed canceled",
    "running": "mirroring failed canceled",
    "mirroring": "succeeded failed canceled",
    "succeeded": "",
    "failed": "mirroring failed",
    "canceled": "",
}

ENDED = {"succeeded", "failed", "canceled"}


def violations(outcome: Outcome) -> list[str]:
    """Everything that does not hold, each with the name of its rule."""
    outcome = without_undone(outcome)
    own = [f"{rule.__name__}: {sentence}" for rule in RULES for sentence in rule(outcome)]
    return own + broken(evidence_of(outcome))


def evidence_of(outcome: Outcome) -> Evidence:
    """What the stores and fal.ai show in the end."""
    staged = tuple(
        found
        for training in outcome.trainings
        if training.id not in outcome.untidy
        for found in outcome.kept.list(staging_prefix(training.id))
    )
    return Evidence(
        now=START + timedelta(seconds=outcome.ended_s),
        trainings=tuple(outcome.trainings),
        images=tuple(outcome.images),
        models=tuple(outcome.models),
        erased=tuple(d.gone for d in outcome.deletions if not isinstance(d.gone, Model)),
        erased_models=tuple(d.gone for d in outcome.deletions if isinstance(d.gone, Model)),
        accounts=tuple(outcome.accounts),
        runs=tuple(_fal_run(run) for run in outcome.runs),
        kept=(*outcome.kept.list("models/"), *outcome.kept.list("images/"), *staged),
        archives=tuple(outcome.datasets.list("")),
        earlier=tuple(write.after for write in outcome.writes if write.moved),
        announced=tuple(outcome.finished),
        deadlines=SETTINGS.deadlines,
        patience=timedelta(minutes=15),
    )


def _fal_run(run: Run) -> FalRun:
    return FalRun(
        request_id=run.job.request_id,
        training_id=run.training_id,
        billed=run.billed,
        delivered=run.delivered,
        sha256=digest(run),
    )


def every_schedule_comes_to_its_end(outcome: Outcome) -> Iterator[str]:
    """Nothing outlives its deadline in calm weather, everything ends, and no function raises what it does not name."""
    yield from outcome.overdue
    yield from (f"an unforeseen error escaped: {text}" for text in outcome.escaped)
    for job in (*outcome.trainings, *outcome.images):
        if not job.is_terminal:
            yield f"{job.id} is still {job.status}"


def what_is_sent_outlives_its_fetching(outcome: Outcome) -> Iterator[str]:
    """fal.ai finds the archive of every training that still wants it, and the weights of every model that is there.

    Not where a process stood still for longer than its claim's lease, after its last look at the clock: then the URL is
    older than anybody could know, and the user is told.
    """
    there = {file.uri for model in outcome.models for file in model.files}
    leases = {write.after.id: write.after.claim.lease_until for write in outcome.writes if write.after.claim}
    for run in outcome.runs:
        if (lease := leases.get(run.training_id)) is not None and run.job.submitted_at > lease:
            continue
        for bucket, name in map(object_in, run.missing):
            if bucket == "datasets" or f"gs://{bucket}/{name}" in there:
                yield f"{name} was gone before fal.ai fetched it for {run.training_id}"


def what_is_kept_is_what_fal_made(outcome: Outcome) -> Iterator[str]:
    """Weights and configuration of every model are, byte by byte, those of its own run."""
    runs = {run.job.request_id: run for run in outcome.runs}
    jobs = {write.after.id: write.after.fal for write in outcome.writes}
    for model in outcome.models:
        job = jobs[model.training_id]
        if job is None or _content(outcome, model.lora_uri) != runs[job.request_id].weights:
            yield f"the weights of {model.id} are not those that its run made"
        if _content(outcome, model.config_uri) != CONFIG:
            yield f"the configuration of {model.id} is not what fal.ai served"
    for made in outcome.images:
        if made.pictures:
            yield from _false_pictures(made, runs.get(made.fal.request_id) if made.fal else None)


def _content(outcome: Outcome, uri: str) -> bytes:
    name = uri.removeprefix(f"{outcome.kept.uri}/")
    return b"".join(outcome.kept.read(name)) if outcome.kept.stat(name) else b""


def _false_pictures(job: ImageJob, run: Run | None) -> Iterator[str]:
    if run is None or run.training_id != job.id:
        yield f"the pictures of {job.id} are of {run}"
        return
    wanted = [(picture_digest(run.job.request_id, number), flag) for number, flag in enumerate(run.flags)]
    if [(picture.sha256, picture.nsfw) for picture in job.pictures] != wanted:
        yield f"the pictures of {job.id} are not those that its run made"


def nothing_moves_undeclared(outcome: Outcome) -> Iterator[str]:
    """Every move of every history is one that the design names, and only failures of mirroring are recovered; what
    fails once more does so because fal.ai has, and bills, what it had been given up for."""
    for training in (*outcome.trainings, *outcome.images):
        for move, following in pairwise(training.history):
            if str(following.status) not in MOVES[move.status].split():
                yield f"{training.id} went from {move.status} to {following.status}"
    for write in outcome.writes:
        if not write.before or not write.moved or write.before.status is not Status.FAILED:
            continue
        failed, again = write.before, write.after.status is Status.FAILED
        if failed.is_recoverable is again:
            what = "given up twice" if again else "recovered although it had not failed in mirroring"
            yield f"{failed.id} was {what}"
        if again and not (write.after.is_recoverable and write.after.charged):
            yield f"{failed.id} failed once more, and not because fal.ai has what it was to make"


def one_press_is_one_training(outcome: Outcome) -> Iterator[str]:
    """The same press sent twice is one training, and so is the same retry."""
    made = [write.after for write in outcome.writes if write.before is None and isinstance(write.after, Training)]
    first = [training for training in made if training.predecessor_id is None]
    if len(first) > outcome.presses:
        yield f"{outcome.presses} presses became {len(first)} trainings"
    yield from _successors_beside_each_other(outcome, Training)


def one_press_is_one_set_of_pictures(outcome: Outcome) -> Iterator[str]:
    """The same press sent twice is one set of pictures, whatever it was, and so is the same retry."""
    made = [write.after for write in outcome.writes if write.before is None and isinstance(write.after, ImageJob)]
    asked = [job for job in made if job.predecessor_id is None and job.origin is not Origin.SAMPLES]
    if len(asked) > outcome.picture_presses:
        yield f"{outcome.picture_presses} presses became {len(asked)} sets of pictures"
    twice = [job_id for job_id, count in Counter(job.id for job in made).items() if count > 1]
    yield from (f"{job_id} was made again after it had been deleted" for job_id in twice)
    yield from _successors_beside_each_other(outcome, ImageJob)


def _successors_beside_each_other(outcome: Outcome, kind: type[Job]) -> Iterator[str]:
    """A retry is one job; another one only after that was deleted."""
    deleted_s = {deletion.gone.id: deletion.at_s for deletion in outcome.deletions}
    latest: dict[str, str] = {}
    for write in outcome.writes:
        job = write.after
        if write.before is None and isinstance(job, kind) and job.predecessor_id:
            before = latest.get(job.predecessor_id)
            if before is not None and deleted_s.get(before, write.at_s + 1) > write.at_s:
                yield f"a retry of {job.predecessor_id} became {before} and {job.id}"
            latest[job.predecessor_id] = job.id


def samples_are_made_once(outcome: Outcome) -> Iterator[str]:
    """A training that is to have samples has one set of them when it is done, no other has any."""
    made = [write.after for write in outcome.writes if write.before is None and isinstance(write.after, ImageJob)]
    sets = Counter(job.model_id for job in made if job.origin is Origin.SAMPLES and job.predecessor_id is None)
    there = {model.id for model in outcome.models}
    for training in outcome.trainings:
        count, wanted = sets[training.model_id or ""], bool(training.samples) and training.model_id is not None
        if count > wanted or (count < wanted and training.model_id in there):
            yield f"{training.id} is to have {training.samples} samples, and {count} sets of them were made"


def models_know_where_they_come_from(outcome: Outcome) -> Iterator[str]:
    """A version that was trained again names its parent, and one that continues began with its parent's weights."""
    ever = {d.gone.id: d.gone for d in outcome.deletions if isinstance(d.gone, Model)}
    ever |= {model.id: model for model in outcome.models}
    made = {w.after.id: w.after for w in outcome.writes if w.before is None and isinstance(w.after, Training)}
    for model in ever.values():
        training = made[model.training_id]
        if (model.parent_model_id, model.continues) != (training.parent_model_id, training.continues):
            yield f"{model.id} has the parent {model.parent_model_id}, and {training.id} {training.parent_model_id}"
    for run in outcome.runs:
        sent = made.get(run.training_id)
        if sent is not None and sent.continues:
            parent = ever[str(sent.parent_model_id)]
            if parent.lora_uri not in {f"gs://{bucket}/{name}" for bucket, name in map(object_in, run.links)}:
                yield f"{run.job.request_id} of {sent.id} did not begin with the weights of {parent.id}"


def the_last_promotion_counts(outcome: Outcome) -> Iterator[str]:
    """Of the versions of a name that one is current that was promoted last, where that was after all others."""
    for model in outcome.models:
        family = [
            other
            for other in outcome.models
            if (other.owner_id, other.person_id, other.name) == (model.owner_id, model.person_id, model.name)
        ]
        mine = [p for p in outcome.promotions if p.model_id == model.id]
        others = [p for p in outcome.promotions if p.model_id != model.id and p.model_id in {o.id for o in family}]
        last = max((p.began_s for p in mine), default=-1.0)
        if mine and all(other.answered_s < last for other in others) and current_of(family) != model:
            yield f"{model.id} was promoted last and is not the current version"


def what_can_be_recovered_is(outcome: Outcome) -> Iterator[str]:
    """Whoever is told that a recovery brings the weights, and presses Retry in calm weather, gets them; and before
    anybody presses, the receiver was told."""
    yield from (f"{job_id} can be recovered, and nobody was told" for job_id in outcome.untold)
    yield from (f"{training_id} was to be recovered, and was not" for training_id in outcome.unrecovered)


def every_end_is_told_once(outcome: Outcome) -> Iterator[str]:
    """The receiver has every end of every training under an id of its own; twice only after a fault, and then alike."""
    bodies: dict[str, list[str]] = {}
    for notice_id, body in outcome.told:
        bodies.setdefault(notice_id, []).append(body)
    erased = {deletion.gone.id: deletion.gone for deletion in outcome.deletions if not isinstance(deletion.gone, Model)}
    for training in (*erased.values(), *outcome.trainings, *outcome.images):
        for number, move in enumerate(training.history):
            if str(move.status) not in ENDED:
                continue
            told = bodies.pop(f"{training.id}-{number}-{move.status}", [])
            if not told and training.id not in erased and not _comes_with_its_model(training, move.status):
                yield f"nobody was told that {training.id} {move.status}"
            if told and _comes_with_its_model(training, move.status):
                yield f"it was told that {training.id} {move.status}, which goes without saying"
            if len(set(told)) > 1:
                yield f"it was told in {len(set(told))} ways that {training.id} {move.status}"
            if len(told) > 1 and not _was_disturbed(outcome, f"notifier {training.id} "):
                yield f"it was told {len(told)} times that {training.id} {move.status}"
    yield from (f"{notice_id} was told, and is no end" for notice_id in bodies)


def _comes_with_its_model(job: Job, status: Status) -> bool:
    """Whether it is the success of samples: of that nobody is told, since their training was told."""
    return isinstance(job, ImageJob) and job.origin is Origin.SAMPLES and status is Status.SUCCEEDED


def _was_disturbed(outcome: Outcome, function: str) -> bool:
    """Whether a fault may have come between a call of the receiver and the note of it."""
    everywhere = {"everything restarts", "database outage", "receiver outage"}
    faults = (": killed", ": fails", ": slow")
    return any(
        fault in everywhere or (fault.startswith(function) and fault.endswith(faults)) for fault in outcome.struck
    )


RULES: tuple[Callable[[Outcome], Iterator[str]], ...] = (
    every_schedule_comes_to_its_end,
    what_is_sent_outlives_its_fetching,
    what_is_kept_is_what_fal_made,
    nothing_moves_undeclared,
    one_press_is_one_training,
    one_press_is_one_set_of_pictures,
    samples_are_made_once,
    what_can_be_recovered_is,
    every_end_is_told_once,
    models_know_where_they_come_from,
    the_last_promotion_counts,
    *ERASURE_RULES,
)
