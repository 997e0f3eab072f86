"""What must hold whatever happened: the promises as rules over plain values. Pure.

Each rule says in sentences what is wrong, nothing where all is well. Who judges a story gathers what the stores, the
buckets and fal.ai show in the end into an `Evidence`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise

from shared.accounts import LAPSE, Account
from shared.all_jobs import AnyJob
from shared.errors import SubmissionUncertain, catalogue
from shared.finishing import archive_prefix
from shared.image_jobs import ImageJob
from shared.models import Model, model_id, staging_prefix
from shared.stages import TERMINAL, TRANSITIONS, Status
from shared.training_records import Move
from shared.trainings import Training
from tests.evidence import Evidence, FalRun

CODES = frozenset(kind.code for kind in catalogue())
ROUNDING_USD = 0.001


def broken(evidence: Evidence) -> list[str]:
    """Every sentence of every rule, each after its rule's name."""
    return [f"{rule.__name__}: {sentence}" for rule in RULES for sentence in rule(evidence)]


def no_training_is_stuck(evidence: Evidence) -> Iterator[str]:
    """1. Every job is terminal, or waiting with an explanation, within its deadlines."""
    for training in evidence.jobs:
        if training.is_terminal:
            continue
        if evidence.deadlines.passed(training, evidence.now - evidence.patience):
            yield f"{training.id} is still {training.status} and past its deadline"
        unexplained = training.hindrance is None and training.progress is None
        if unexplained and evidence.now - training.since > evidence.patience:
            yield f"{training.id} is {training.status} and nobody says why"


def nothing_is_paid_twice_or_unseen(evidence: Evidence) -> Iterator[str]:
    """2. fal.ai accepted and billed at most one run per job, and none that was not recorded or reported."""
    known = {job.id: job for job in evidence.ever}
    for training_id, count in Counter(run.training_id for run in evidence.runs).items():
        if count > 1:
            yield f"fal.ai accepted {count} runs of {training_id}"
    for run in evidence.runs:
        if run.billed and not _is_accounted_for(run, known.get(run.training_id)):
            yield f"fal.ai billed {run.request_id} of {run.training_id}, which is neither recorded nor reported"


def nothing_is_ordered_twice(evidence: Evidence) -> Iterator[str]:
    """2. The same order under another key does not go to fal.ai while the first may still be run, nor once it has its
    model; unless its user insists.
    """
    orders: dict[tuple[str, str], list[Training]] = defaultdict(list)
    for training in evidence.trainings:
        if training.recipe and not training.forced and training.predecessor_id is None:
            orders[training.owner_id, training.recipe].append(training)
    for same in orders.values():
        sent = sorted(((_moment(t, Status.SUBMITTING), t) for t in same), key=lambda pair: str(pair[0]))
        runs = [(at, training) for at, training in sent if at is not None]
        for (_, first), (at, second) in pairwise(runs):
            if first.model_id in {model.id for model in evidence.erased_models}:
                continue
            ended = next((move for move in first.history if move.status in TERMINAL), None)
            if ended is None or ended.at > at or ended.status is Status.SUCCEEDED:
                yield f"{second.id} was sent to fal.ai while {first.id}, the same, is {first.status}"


def what_is_packed_is_what_was_ordered(evidence: Evidence) -> Iterator[str]:
    """2. No archive holds another dataset than its training was recorded, and refused to others, for."""
    for training in evidence.ever:
        if not isinstance(training, Training) or not training.dataset or not training.recipe:
            continue
        if training.recipe_of(training.dataset.fingerprint) != training.recipe:
            yield f"{training.id} was packed with other pictures or captions than it was ordered with"


def _moment(training: Training, status: Status) -> datetime | None:
    return next((move.at for move in training.history if move.status is status), None)


def _is_accounted_for(run: FalRun, training: AnyJob | None) -> bool:
    if training is None:
        return False
    recorded = training.fal is not None and training.fal.request_id == run.request_id
    reported = training.error is not None and training.error.charged is not False
    looked_for = training.status is Status.SUBMITTING and not training.awaits_submission
    return recorded or reported or looked_for


def success_is_a_whole_model(evidence: Evidence) -> Iterator[str]:
    """3. Succeeded, if and only if the model is recorded and its verified files are kept; versions have no gaps."""
    models = {model.id: model for model in (*evidence.erased_models, *evidence.models)}
    for training in evidence.trainings:
        if training.status is not Status.SUCCEEDED:
            continue
        model = models.get(training.model_id or "")
        if model is None or training.model_id != model_id(training.id):
            yield f"{training.id} succeeded without a model: {training.model_id}"
    for model in evidence.models:
        yield from _flaws(model, evidence)
    yield from _gaps(evidence)


def _flaws(model: Model, evidence: Evidence) -> Iterator[str]:
    kept = {found.name: found for found in evidence.kept}
    training = next((job for job in reversed(evidence.ever) if job.id == model.training_id), None)
    # a mirror may have recorded it when its training had been given up, and was then deleted before it was recovered
    given_up = any(job.id == model.training_id and job.is_recoverable for job in evidence.erased)
    if training is None or (training.is_terminal and training.status is not Status.SUCCEEDED and not given_up):
        yield f"{model.id} is a model of {model.training_id}, which is {training and training.status}"
    for file in model.files:
        weights = kept.get(_object_name(file.uri))
        if weights is None or (weights.size, weights.crc32c) != (file.size, file.crc32c):
            yield f"{model.id} has other weights than were verified: {weights}"
    if (config := kept.get(_object_name(model.config_uri))) is None or config.size == 0:
        yield f"{model.id} has no configuration"
    delivered = [run.sha256 for run in evidence.runs_of(model.training_id) if run.delivered]
    if not delivered or not {None, model.sha256} & set(delivered):
        yield f"{model.id} has weights that fal.ai never delivered"


def _object_name(uri: str) -> str:
    return uri.removeprefix("gs://").partition("/")[2]


def _gaps(evidence: Evidence) -> Iterator[str]:
    versions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for model in evidence.models:
        versions[model.person_id, model.name].append(model.version)
    for (person_id, name), numbers in versions.items():
        twice = sorted(number for number, count in Counter(numbers).items() if count > 1)
        if twice:
            yield f"{name} of {person_id} has these versions more than once: {twice}"
        missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
        gone = sum((model.person_id, model.name) == (person_id, name) for model in evidence.erased_models)
        if len(missing) > gone + sum(_may_take_a_number(job, person_id, name) for job in evidence.ever):
            yield f"{name} of {person_id} lacks these versions: {missing}"


def _may_take_a_number(training: AnyJob, person_id: str, name: str) -> bool:
    """Whether it may have been given a number already that its model is to bear later."""
    if isinstance(training, ImageJob):
        return False
    underway = training.status is Status.MIRRORING or training.is_recoverable
    return underway and (training.person_id, training.model_name) == (person_id, name)


def success_is_kept_pictures(evidence: Evidence) -> Iterator[str]:
    """3. Succeeded, if and only if the verified pictures are kept; and there are none of nobody's."""
    kept = {found.name: found for found in evidence.kept}
    for job in evidence.images:
        least, most = (1, job.count) if job.status is Status.SUCCEEDED else (0, 0)
        if not least <= len(job.pictures) <= most or bool(job.shortfall) is not (least <= len(job.pictures) < most):
            yield f"{job.id} is {job.status} with {len(job.pictures)} of {job.count} pictures"
        for picture in job.pictures:
            found = kept.get(picture.name)
            if found is None or (found.size, found.crc32c) != (picture.size, picture.crc32c):
                yield f"{job.id} has another picture than was verified: {found}"
    made = {job.id for job in evidence.images if not job.is_terminal or job.status is Status.SUCCEEDED}
    paid = {job.id for job in evidence.images if job.is_recoverable or job.may_still_deliver}
    for name in kept:
        if name.startswith("images/") and name.split("/")[-2] not in made | paid:
            yield f"{name} is the picture of nobody"


def no_archive_stays(evidence: Evidence) -> Iterator[str]:
    """3 and 4. The pictures go when their training has ended, and none lie about that are nobody's."""
    known = {training.id: training for training in evidence.trainings}
    for found in evidence.archives:
        training = known.get(found.name.split("/")[1])
        if training is None:
            yield f"{found.name} is the archive of nobody"
        elif training.is_terminal and found.name.startswith(archive_prefix(training.id)):
            yield f"{found.name} is left of {training.id}, which is {training.status}"


def nothing_stays_in_staging(evidence: Evidence) -> Iterator[str]:
    """What a mirror that died left behind goes with the next delivery; without one, by the bucket's own rule."""
    for training in evidence.trainings if not evidence.messages_were_lost else ():
        left = [found for found in evidence.kept if found.name.startswith(staging_prefix(training.id))]
        if training.status is Status.SUCCEEDED and left:
            yield f"{training.id} succeeded and its artifacts still lie in staging"


def endings_say_what_happened(evidence: Evidence) -> Iterator[str]:
    """4. Failed and canceled carry a code of the catalogue, a stage, a sentence, and truly whether it cost money."""
    for training in evidence.ever:
        if training.status not in (Status.FAILED, Status.CANCELED):
            continue
        error = training.error
        if error is None or error.code not in CODES or not error.stage or not error.message.rstrip().endswith("."):
            yield f"{training.id} is {training.status} and does not say why: {error}"
            continue
        billed = any(run.billed for run in evidence.runs_of(training.id))
        if error.charged not in (None, billed):
            yield f"{training.id} says that it {'cost' if error.charged else 'did not cost'} money, and that is not so"


def histories_are_true(evidence: Evidence) -> Iterator[str]:
    """5. No terminal status changed except by the declared recovery, and the history explains every move."""
    now = {job.id: job for job in evidence.ever}
    for training in evidence.ever:
        yield from _untrue_moves(training)
    for before in evidence.earlier:
        after = now.get(before.id)
        if after is None:
            yield f"{before.id} is gone"
        elif after.history[: len(before.history)] != before.history:
            yield f"{before.id} was {_told(before.history)} and now tells {_told(after.history)}"


def _untrue_moves(training: AnyJob) -> Iterator[str]:
    history = training.history
    if not history or history[0].status is not Status.REQUESTED or history[-1].status is not training.status:
        yield f"{training.id} is {training.status} and tells {_told(history)}"
    for move, following in pairwise(history):
        if following.status not in TRANSITIONS[move.status]:
            yield f"{training.id} went from {move.status} to {following.status}"
        if following.at < move.at:
            yield f"{training.id} was {following.status} before it was {move.status}"
        if not following.reason and (move.status in TERMINAL or following.status in TERMINAL):
            yield f"{training.id} went from {move.status} to {following.status} and does not say why"


def _told(history: tuple[Move, ...]) -> str:
    return " → ".join(move.status for move in history)


def paid_weights_are_not_lost(evidence: Evidence) -> Iterator[str]:
    """6. What fal.ai made for a job that was not canceled is in our bucket, or its user was told how to get it."""
    models = {model.training_id: model for model in (*evidence.erased_models, *evidence.models)}
    ended = {job.id: job for job in evidence.ever if job.is_terminal}
    for run in evidence.runs:
        training = ended.get(run.training_id)
        if not run.delivered or training is None or training.status is Status.CANCELED:
            continue
        model = models.get(training.id)
        kept = model is not None and run.sha256 in (None, model.sha256)
        kept = training.status is Status.SUCCEEDED if isinstance(training, ImageJob) else kept
        if not kept and not _was_told(training):
            yield f"fal.ai has what it made for {training.id}, which is {training.status}, and nobody was told"


def _was_told(training: AnyJob) -> bool:
    """Whether its user reads that there are weights and what to do: never to train, and to pay, again."""
    if training.status is not Status.FAILED or training.error is None:
        return False
    again = ("train again", "ask for the pictures again")
    recoverable = training.is_recoverable and not any(words in training.error.message for words in again)
    return recoverable or training.error.code == SubmissionUncertain.code


def budgets_add_up(evidence: Evidence) -> Iterator[str]:
    """7. What is reserved is what still runs, and what is spent is what ended jobs of both kinds cost."""
    for account in evidence.accounts:
        own = [training for training in evidence.ever if training.owner_id == account.id]
        yield from _wrong_reservations(account, own, evidence.now)
        ended = [training for training in own if _first_end(training)]
        today = [training for training in ended if _first_end(training) >= account.day]
        # one that ended on an earlier day may have been settled on this one
        least = sum(min(_prices(training)) for training in today)
        most = sum(max(_prices(training)) for training in ended)
        if not least - ROUNDING_USD < account.spent_usd < most + ROUNDING_USD:
            yield f"{account.id} spent ${account.spent_usd:.2f} where jobs cost ${least:.2f} to ${most:.2f}"


def _wrong_reservations(account: Account, own: list[AnyJob], now: datetime) -> Iterator[str]:
    known = {training.id: training for training in own}
    for training_id, reservation in account.reservations.items():
        training = known.get(training_id)
        if training is None and now - reservation.at > LAPSE:
            yield f"{account.id} has money reserved for {training_id}, which was never recorded"
        elif training is not None and _first_end(training):
            yield f"{account.id} has money reserved for {training_id}, which ended"
    for training in own:
        running = not _first_end(training) and now - training.created_at < LAPSE
        if running and training.id not in account.reservations:
            yield f"{account.id} has no money reserved for {training.id}, which is {training.status}"


def _first_end(training: AnyJob) -> str:
    """The day on which it ended for the first time, which is when it was settled; empty where it never did."""
    return next((move.at.date().isoformat() for move in training.history if move.status in TERMINAL), "")


def _prices(training: AnyJob) -> tuple[float, ...]:
    """What it may have been settled at: one that was recovered may have been settled before its bill was known."""
    recovered = any(move.status is Status.FAILED for move in training.history[:-1])
    known = training.settled_usd
    if known is None:
        # all that was set aside for it, which is not more than was left of its day
        return 0.0, math.inf
    return known, (training.quote.price_usd or 0.0) if training.quote and recovered else known


def every_end_was_announced(evidence: Evidence) -> Iterator[str]:
    """The app was told of every end, and of none that was not."""
    if evidence.announced is None:
        return
    told = {(event.training_id, event.status) for event in evidence.announced}
    for training in evidence.ever:
        ends = {(training.id, str(move.status)) for move in training.history if move.status in TERMINAL}
        if training.is_terminal and (training.id, str(training.status)) not in told:
            yield f"{training.id} is {training.status} and the app was not told"
        if false := {found for found in told if found[0] == training.id} - ends:
            yield f"the app was told of ends of {training.id} that never were: {sorted(false)}"


RULES: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    no_training_is_stuck,
    nothing_is_paid_twice_or_unseen,
    nothing_is_ordered_twice,
    what_is_packed_is_what_was_ordered,
    success_is_a_whole_model,
    success_is_kept_pictures,
    no_archive_stays,
    nothing_stays_in_staging,
    endings_say_what_happened,
    histories_are_true,
    paid_weights_are_not_lost,
    budgets_add_up,
    every_end_was_announced,
)
