"""Every failure of the catalogue as the console shows it: the sentence, the cost, and something to press that helps."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from functions.api.image_views import images_view
from functions.api.views import training_view
from infra.local.stack import Stack
from shared.adapters.embedded.database import Database
from shared.adapters.embedded.jobs import SqliteTrainings
from shared.errors import ModelErased, ProductError, TooFewImages, catalogue
from shared.remedies import Remedy
from shared.stages import Stage, Status
from shared.trainers import DEFAULT_TRAINER
from shared.trainings import Training
from tests.browser.console import Console
from tests.builders import an_image_job

pytestmark = pytest.mark.slow

AT = datetime(2026, 1, 1, tzinfo=UTC)
CATALOGUE = sorted(catalogue(), key=lambda kind: kind.code)
COSTS = {
    False: "Nothing was charged.",
    True: "fal.ai charged for the run.",
    None: "is not known: its billing page tells.",
}

# the buttons that ask for the same once more, which may cost money
AGAIN = {"Train again", "Train again as it was", "Try again", "Try again as it was", "Ask again"}
HELPS = {
    Remedy.RETRY: {"Train again", "Try again", "Make them after all"},
    Remedy.LOOK_AT_FAL: {"Train again", "Ask again"},
    Remedy.LOOK_AT_SHOOT: {"Train again", "Change it"},
    Remedy.ASK_OPERATOR: {"Train again", "Try again"},
    Remedy.RECOVER: {"Recover the weights", "Fetch them again"},
    Remedy.CHOOSE_MODEL: {"Choose another model"},
    Remedy.BEGIN_ANEW: {"Train it from the start", "Change it"},
    Remedy.EDIT_SHOOT: {"Edit the shoot", "Change it"},
    Remedy.CHANGE_REQUEST: {"Edit the shoot", "Try again as it was"},
}
HELPLESS = {Remedy.CHOOSE_MODEL, Remedy.BEGIN_ANEW, Remedy.RECOVER}
NOT_OF_THE_SHOOT = {
    Remedy.EDIT_SHOOT,
    Remedy.CHANGE_REQUEST,
    Remedy.LOOK_AT_SHOOT,
    Remedy.CHOOSE_MODEL,
    Remedy.BEGIN_ANEW,
}

# Draws the card of each document with the console's own modules, as its pages do.
DRAW = """async ({ trainings, sets }) => {
    const here = new URL(".", document.querySelector("script[type=module]").src);
    const { outcomeCard } = await import(new URL("parts/outcome.js", here));
    const { setBox } = await import(new URL("parts/image_set.js", here));
    const told = (card) => ({
        text: card.textContent,
        pressed: [...card.querySelectorAll("a.button, button")].map((each) => each.textContent),
    });
    return {
        trainings: trainings.map((training) => told(outcomeCard({ training }))),
        sets: sets.map((set) => told(setBox(set, {}))),
    };
}"""


def facts_of(kind: type[ProductError]) -> dict[str, float]:
    fields = [name for _, name, _, _ in string.Formatter().parse(kind.__doc__ or "") if name]
    return {name: 7 for name in fields}


def a_training(shoot_id: str, training_id: str = "t_drawn") -> Training:
    return Training.requested(
        at=AT,
        id=training_id,
        shoot_id=shoot_id,
        owner_id="local-user",
        person_id="anna",
        model_name="red-riding-hood",
        trigger_word="TOK",
        trainer=DEFAULT_TRAINER,
        parameters={"steps": 1000},
    )


def failure(kind: type[ProductError]) -> dict[str, Any]:
    """How a job fails with it: what can be recovered failed in mirroring, after it was paid for."""
    paid = kind.remedy is Remedy.RECOVER
    charged = True if paid else None if kind.remedy is Remedy.LOOK_AT_FAL else False
    return {
        "error": kind(**facts_of(kind)),
        "at": AT,
        "charged": charged,
        "stage": Stage.MIRRORING if paid else Stage.SUBMITTING,
    }


@pytest.fixture(scope="module")
def drawn(shared_console: Console) -> dict[str, list[dict[str, Any]]]:
    """What the console draws of a training and of a set of pictures that failed with each error, by its code."""
    trainings = [a_training("s_1").fail(**failure(kind)) for kind in CATALOGUE]
    sets = [an_image_job().fail(**failure(kind)) for kind in CATALOGUE]
    shared_console.page.goto("/trainings")
    documents = {
        "trainings": [training_view(training, AT).model_dump(mode="json") for training in trainings],
        "sets": [images_view(job).model_dump(mode="json") for job in sets],
    }
    told: dict[str, list[dict[str, Any]]] = shared_console.page.evaluate(DRAW, documents)
    return told


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.code)
def test_a_failure_is_told_with_its_cost_and_with_buttons_that_help(
    drawn: dict[str, list[dict[str, Any]]], kind: type[ProductError]
) -> None:
    of_training, of_pictures = (drawn[what][CATALOGUE.index(kind)] for what in ("trainings", "sets"))
    how = failure(kind)
    for told, sentence in ((of_training, how["error"].message), (of_pictures, how["error"].message_of_pictures)):
        assert sentence in told["text"]
        assert COSTS[how["charged"]] in told["text"]
        assert set(told["pressed"]) - {"Delete…"}, "there is nothing to press"
        assert not HELPS.get(kind.remedy) or HELPS[kind.remedy] & set(told["pressed"])
        assert not (kind.remedy in HELPLESS and AGAIN & set(told["pressed"])), "it would fail again, or be paid again"
    assert not (kind.remedy in NOT_OF_THE_SHOOT and "Nothing is wrong with the shoot" in of_training["text"])


@pytest.mark.parametrize("kind", [TooFewImages, ModelErased], ids=lambda kind: kind.code)
def test_the_page_of_a_training_that_failed_draws_that_card(
    shared_console: Console, stack: Stack, kind: type[ProductError]
) -> None:
    failed = a_training(shared_console.shoot_id, f"t_shows_{kind.code}").fail(**failure(kind))
    assert failed.status is Status.FAILED
    database = Database(stack.data_dir / "documents.sqlite3")
    SqliteTrainings(database).create(failed)
    database.close()

    shared_console.page.goto(f"/trainings/{failed.id}")
    told = shared_console.page.get_by_role("region", name="It failed")
    expect(told.get_by_text(failure(kind)["error"].message)).to_be_visible()
    expect(told).to_contain_text(COSTS[False])
    expect(told.get_by_role("button").or_(told.get_by_role("link")).first).to_be_visible()
