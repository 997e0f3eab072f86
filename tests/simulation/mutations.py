"""Ways to break the product in one place, each of which the simulation has to notice: what proves that it can."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A change of one module's text: `old`, which is there exactly once, becomes `new`.

    `hint` is a seed that noticed it once: it is tried first, because most others take longer.
    """

    name: str
    module: str
    old: str
    new: str
    hint: int = 0

    def applied(self, source: str) -> str:
        """The module's text with the fault in it; a mutation that no longer fits the code says so."""
        count = source.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: {self.old!r} is in {self.module} {count} times instead of once")
        return source.replace(self.old, self.new)


MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        name="the same order under another key is taken while the first runs",
        module="shared.accounts",
        old="if recipe and not forced:",
        new="if recipe and forced:",
        hint=4,
    ),
    Mutation(
        name="the same order is taken again once it has its model",
        module="functions.api.start_training",
        old="    if training.forced:\n        return None\n",
        new="    if not training.forced:\n        return None\n",
        hint=3,
    ),
    Mutation(
        name="an uncertain submission is sent again",
        module="functions.submitter.submit_job",
        old="return jobs.update(job.id, in_doubt)",
        new="return _released(job, jobs=jobs, clock=clock)",
        hint=3,
    ),
    Mutation(
        name="a refusal that is told late ends what another delivery sent",
        module="shared.messaging",
        old="if self.stage in _BEFORE_SENDING and not job.is_unsent:",
        new="if False:",
        hint=1159,
    ),
    Mutation(
        name="fal.ai is paid before the claim is written",
        module="functions.submitter.submit_job",
        old="job = jobs.update(job.id, lambda t: t.claimed(claim, at=now, sent=sent))",
        new="job = job.claimed(claim, at=now, sent=sent)",
    ),
    Mutation(
        name="a claim is taken from its holder",
        module="shared.jobs",
        old="""        if not self.awaits_submission:
            raise Conflict(reason=f"a {self.noun} that is {self.status} cannot be claimed")
        if self.status is Status.SUBMITTING:""",
        new="""        if self.status is Status.SUBMITTING:""",
        hint=244,
    ),
    Mutation(
        name="every move is allowed",
        module="shared.jobs",
        old="if not self.may_advance(to):",
        new="if False:",
        hint=24,
    ),
    Mutation(
        name="an uncertain submission is said to have cost nothing",
        module="shared.jobs",
        old='does not show it"), at=at, charged=None)',
        new='does not show it"), at=at, charged=False)',
    ),
    Mutation(
        name="a training that was sent is canceled as if it was not",
        module="functions.api.end_training",
        old="if job.is_unsent:",
        new="if not job.is_terminal:",
        hint=10,
    ),
    Mutation(
        name="a press is a new training every time",
        module="functions.api.start_training",
        old="""        id=keyed_id("t", owner_id, key),""",
        new="""        id=keyed_id("t", owner_id, key + str(desk.clock.now())),""",
        hint=111,
    ),
    Mutation(
        name="the archive goes as soon as it is made",
        module="functions.packager.package_dataset",
        old="if dataset is not None and (dataset != training.dataset or training.is_terminal):",
        new="if dataset is not None:",
    ),
    Mutation(
        name="what was changed after it was ordered is packed",
        module="functions.packager.package_dataset",
        old="if training.recipe and training.recipe_of(identity) != training.recipe:",
        new="if False:",
        hint=27,
    ),
    Mutation(
        name="the archive stays when the training ends",
        module="shared.finishing",
        old="datasets.delete(archive.name)",
        new="pass",
    ),
    Mutation(
        name="nobody is told of the end",
        module="shared.finishing",
        old="publisher.publish(finished_event(job))",
        new="pass",
    ),
    Mutation(
        name="what a training cost is not settled",
        module="shared.finishing",
        old="accounts.update(job.owner_id, settle)",
        new="pass",
    ),
    Mutation(
        name="the monitor does not finish what a crash left",
        module="functions.monitor.check_job",
        old="""        if job.is_terminal:
            self.finish(job)
        elif""",
        new="""        if job.is_terminal:
            pass
        elif""",
    ),
    Mutation(
        name="deadlines are not kept",
        module="functions.monitor.check_job",
        old="elif self.settings.deadlines.passed(job, self.now):",
        new="elif False:",
    ),
    Mutation(
        name="a run that was given up is forgotten",
        module="shared.jobs",
        old="attention = Attention.WATCHED if self.may_still_deliver else Attention.NONE",
        new="attention = Attention.NONE",
        hint=130,
    ),
    Mutation(
        name="late weights are kept from their user",
        module="functions.mirror.run_result",
        old="return jobs.update(job.id, lambda t: t.with_late_result(request, at=clock.now()))",
        new="return jobs.update(job.id, lambda t: t.unwatched(at=clock.now()))",
        hint=57,
    ),
    Mutation(
        name="nobody is told that a result came late",
        module="shared.jobs",
        old="reason=error.code, fal=job, error=failure)",
        new="reason=error.code, fal=job, error=failure, attention=Attention.NONE)",
        hint=112,
    ),
    Mutation(
        name="anybody's report is believed",
        module="functions.mirror.whose_result",
        old="    if job.claim is None or job.claim.nonce != event.nonce:",
        new="    if job.claim is None:",
        hint=22,
    ),
    Mutation(
        name="a request that we cannot read is taken for ours",
        module="functions.mirror.run_result",
        old="        if job.fal is None:\n            # nobody",
        new="        if False:\n            # nobody",
        hint=22,
    ),
    Mutation(
        name="the configuration is not looked at",
        module="functions.mirror.fetch_artifacts",
        old="json.loads(data)",
        new="pass",
        hint=18,
    ),
    Mutation(
        name="the model is not recorded",
        module="functions.mirror.mirror_artifacts",
        old="models.create(model)",
        new="True",
    ),
    Mutation(
        name="what is paid for is paid for again",
        module="functions.api.retry_job",
        old="if job.is_recoverable or job.was_taken_up:",
        new="if False:",
    ),
    Mutation(
        name="an end is settled twice",
        module="shared.accounts",
        old="        if job_id not in self.reservations:\n            return self\n",
        new="",
    ),
    Mutation(
        name="the history goes back in time",
        module="shared.jobs",
        old="at = max(at, self.since)",
        new="pass",
        hint=41,
    ),
    Mutation(
        name="every attempt takes a version of its own",
        module="functions.mirror.number_version",
        old="models.allocate_version(person, name, own)",
        new="models.allocate_version(person, name, f'{own} {len([*bucket.list(str())])}')",
        hint=2,
    ),
    Mutation(
        name="it is not noted that an end was told",
        module="functions.notifier.notify",
        old="n.done(end.id, at=notifier.clock.now())",
        new="n.failed(end.id)",
        hint=5,
    ),
    Mutation(
        name="two deliveries tell the same end at once",
        module="shared.notices",
        old="notice.held_until and notice.held_until > at",
        new="False",
        hint=5,
    ),
    Mutation(
        name="of several ends the last one alone is told",
        module="functions.notifier.notice_of",
        old="        if move.status in TERMINAL:",
        new="        if number == last and move.status in TERMINAL:",
        hint=17,
    ),
    Mutation(
        name="a failed training comes back without a word",
        module="functions.mirror.moves",
        old='reason = AFTER_ALL if job.is_recoverable else ""',
        new='reason = ""',
        hint=68,
    ),
    Mutation(
        name="a press for pictures is a new set every time",
        module="shared.start_images",
        old="job_id = keyed_id(PREFIX, model.owner_id, key)",
        new="job_id = keyed_id(PREFIX, model.owner_id, key + str(clock.now()))",
        hint=3,
    ),
    Mutation(
        name="a broken picture is kept",
        module="functions.mirror.keep_images",
        old="raise ArtifactCorrupt(reason=f\"picture {number} cannot be read: {error.facts['reason']}\") from error",
        new="bare, seen = data, type('Seen', (), {'width': 1, 'height': 1})",
        hint=18,
    ),
    Mutation(
        name="what the safety checker said is forgotten",
        module="functions.mirror.keep_images",
        old="        nsfw=nsfw,",
        new="        nsfw=None,",
        hint=3,
    ),
    Mutation(
        name="each press of Retry begins another job",
        module="functions.api.retry_job",
        old="    if successor is None:",
        new="    if successor is None or job.successor_id:",
        hint=3,
    ),
    Mutation(
        name="a new model has no samples",
        module="shared.finishing",
        old="request_samples(job, models=models, desk=desk)",
        new="pass",
        hint=3,
    ),
    Mutation(
        name="a job that is being made is erased with what is over",
        module="shared.jobs",
        old="if not self.is_terminal or self.attention is Attention.WATCHED:",
        new="if False:",
        hint=94,
    ),
    Mutation(
        name="an erasure looks but once",
        module="functions.eraser.erase",
        old="again = to_repeat(claimed.found, whole.steps, changed_after=at - settles) if settles else ()",
        new="again = ()",
        hint=126,
    ),
    Mutation(
        name="small copies of old pictures are not looked for once more",
        module="shared.erasing.repeats",
        old="        *_of_small_copies(found, steps),\n",
        new="",
        hint=25,
    ),
    Mutation(
        name="nobody who wrote a small copy looks whether its picture is still there",
        module="functions.api.thumbnails",
        old="if source.stat(picture.image.name) is None:",
        new="if source.stat(picture.image.name) is False:",
        hint=236,
    ),
    Mutation(
        name="what was begun again when its time had come is kept for ever",
        module="functions.monitor.remind_eraser",
        old="f'retention:{job.id}:{job.since.isoformat()}'",
        new="f'retention:{job.id}'",
        hint=142,
    ),
    Mutation(
        name="a model is erased while something is made with it",
        module="functions.eraser.claims",
        old="if reason := uses_of(model_id, found):",
        new="if reason := '':",
        hint=350,
    ),
    Mutation(
        name="what is made with a model that is being erased is paid for",
        module="functions.submitter.submit_job",
        old="_look_at_model(job, jobs=jobs, models=models, clock=clock)",
        new="pass",
        hint=5,
    ),
    Mutation(
        name="two erasures count the same thing",
        module="shared.jobs",
        old="if self.erasure_id not in (None, erasure_id, instead_of):",
        new="if False:",
        hint=94,
    ),
    Mutation(
        name="an erasure takes all versions of a name",
        module="shared.erasing.plan",
        old="yield Step(what=What.MODEL_FILES, of=of, place=version_prefix(person_id, name, version))",
        new='yield Step(what=What.MODEL_FILES, of=of, place=f"models/{person_id}/{name}/")',
        hint=2,
    ),
    Mutation(
        name="pictures outlive the model that they were made with",
        module="shared.erasing.inventory",
        old="images=list(everything_of(images.list_for_owner, owner_id, model_id=subject_id)),",
        new="images=[],",
        hint=50,
    ),
    Mutation(
        name="a training continues from nothing",
        module="functions.packager.package_dataset",
        old="parent_url=urls.kept.sign(urls.weights, ttl_s=urls.ttl_s) if urls.weights is not None else None,",
        new="parent_url='',",
        hint=39,
    ),
    Mutation(
        name="a version forgets what it was trained again from",
        module="functions.mirror.keep_model",
        old="parent_model_id=training.parent_model_id,",
        new="parent_model_id=None,",
        hint=26,
    ),
    Mutation(
        name="whoever was promoted first stays the current version",
        module="shared.lineage",
        old="return max(promoted, key=_promoted)",
        new="return min(promoted, key=_promoted)",
        hint=3,
    ),
)


class MutantFinder(importlib.abc.MetaPathFinder):
    """Imports one module with a mutation in it."""

    def __init__(self, mutation: Mutation) -> None:
        """Only works where the module was not imported before."""
        self._mutation = mutation

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the mutant; None for every other module."""
        if fullname != self._mutation.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None and isinstance(spec.loader, SourceFileLoader)
        spec.loader = _MutantLoader(spec.loader.name, spec.loader.path, self._mutation)
        return spec


class _MutantLoader(SourceFileLoader):
    def __init__(self, name: str, path: str, mutation: Mutation) -> None:
        super().__init__(name, path)
        self._mutation = mutation

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path).decode()
        return compile(self._mutation.applied(source), self.path, "exec", dont_inherit=True)


def install(mutation: Mutation) -> None:
    """Let the product be imported with the mutation in it, in a process that has not imported it yet."""
    if mutation.module in sys.modules:
        raise RuntimeError(f"{mutation.module} was imported before it could be mutated")
    sys.meta_path.insert(0, MutantFinder(mutation))
