"""Every failure of a training that a user can meet, on its page: the sentence, the cost, and something to press. And
what the console takes for no answer at all."""

from __future__ import annotations

import string
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from infra.local.stack import Stack
from shared import errors
from shared.adapters.embedded.database import Database
from shared.adapters.embedded.jobs import SqliteTrainings
from shared.errors import DatasetError, ProductError, catalogue
from shared.stages import Stage, Status
from shared.trainers import DEFAULT_TRAINER
from shared.trainings import Training
from tests.browser.console import Console

pytestmark = pytest.mark.slow

AT = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING, CHARGED, UNKNOWN = (
    "Nothing was charged.",
    "fal.ai charged for the run.",
    "is not known: its billing page tells.",
)

PACKAGING = [*(kind for kind in catalogue() if issubclass(kind, DatasetError)), errors.ArchiveFailed]
FAILURES: list[tuple[type[ProductError], Stage, bool | None, str]] = [
    *((kind, Stage.PACKAGING, False, NOTHING) for kind in PACKAGING),
    (errors.StorageUnavailable, Stage.PACKAGING, False, NOTHING),
    (errors.DatabaseUnavailable, Stage.MIRRORING, True, CHARGED),
    (errors.TrainerRejectedInput, Stage.SUBMITTING, False, NOTHING),
    (errors.TrainerAccountLocked, Stage.SUBMITTING, False, NOTHING),
    (errors.TrainerUnavailable, Stage.SUBMITTING, False, NOTHING),
    (errors.SubmissionUncertain, Stage.SUBMITTING, None, UNKNOWN),
    (errors.TrainingFailed, Stage.TRAINING, None, UNKNOWN),
    (errors.TimedOut, Stage.TRAINING, None, UNKNOWN),
    (errors.ArtifactUnavailable, Stage.MIRRORING, True, CHARGED),
    (errors.ArtifactCorrupt, Stage.MIRRORING, True, CHARGED),
]


def facts_of(kind: type[ProductError]) -> dict[str, float]:
    fields = [name for _, name, _, _ in string.Formatter().parse(kind.__doc__ or "") if name]
    return {name: 7 for name in fields}


@pytest.mark.parametrize(("kind", "stage", "charged", "cost"), FAILURES, ids=[kind.code for kind, *_ in FAILURES])
def test_a_failure_is_shown_with_its_sentence_its_cost_and_something_to_press(
    shared_console: Console, stack: Stack, kind: type[ProductError], stage: Stage, charged: bool | None, cost: str
) -> None:
    error = kind(**facts_of(kind))
    failed = Training.requested(
        at=AT,
        id=f"t_shows_{error.code}",
        shoot_id=shared_console.shoot_id,
        owner_id="local-user",
        person_id="anna",
        model_name="red-riding-hood",
        trigger_word="TOK",
        trainer=DEFAULT_TRAINER,
        parameters={"steps": 1000},
    ).fail(error, at=AT, charged=charged, stage=stage)
    assert failed.status is Status.FAILED
    database = Database(stack.data_dir / "documents.sqlite3")
    SqliteTrainings(database).create(failed)
    database.close()

    shared_console.page.goto(f"/trainings/{failed.id}")
    told = shared_console.page.get_by_role("region", name="It failed")
    expect(told.get_by_text(error.message)).to_be_visible()
    expect(told.get_by_text(cost)).to_be_visible()
    expect(told.get_by_role("button").or_(told.get_by_role("link")).first).to_be_visible()


_ANSWERS = """async () => {
    const { answerOf } = await import("/console/-/lib/api.js");
    const cut = () => new ReadableStream({ start: (stream) => stream.error(new TypeError("network error")) });
    const said = (body, status) => answerOf(new Response(body, { status })).then(String, ({ code }) => code);
    const lost = [said(cut(), 202), said(cut(), 402), said("{", 200), said("", 202), said("<html>", 200)];
    return Promise.all([...lost, said("<html>", 400), said(null, 204)]);
}"""


def test_what_breaks_off_or_is_no_json_is_no_answer(shared_console: Console) -> None:
    shared_console.page.goto("/data")

    assert shared_console.page.evaluate(_ANSWERS) == [*["offline"] * 5, "http_400", "null"]
