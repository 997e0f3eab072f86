"""`lora trainings story` and `lora ops`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api_documents import a_letter, a_line, a_sweep, a_training
from tests.fake_api import FakeApi, running_api
from tests.running_cli import run, run_on_a_terminal

STORY = {
    "training_id": "t_1",
    "status": "failed",
    "whole": True,
    "lines": [
        a_line(0, "Requested: its ZIP is due.", source="training", kind="move"),
        a_line(1, "training-requested came to the packager.", kind="message"),
        a_line(2, "The step did not work.", severity="WARNING"),
        a_line(9, "Failed (archive_failed).", source="training", kind="move", severity="ERROR"),
    ],
}
SEVEN, EIGHT = "training-requested-packager.7", "training-requested-packager.8"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        api.stories["t_1"] = STORY
        api.letters = {SEVEN: a_letter(), EIGHT: a_letter(id=EIGHT, training_id=None, problem="not a message")}
        yield api


# --- story


def test_a_story_in_a_pipe_is_a_line_for_each_thing_with_its_time(api: FakeApi) -> None:
    outcome = run(api, "trainings", "story", "t_1")
    assert outcome.exit_code == 0
    assert outcome.stdout.splitlines() == [
        "2026-05-04T10:00:00Z  training  Requested: its ZIP is due.",
        "2026-05-04T10:00:01Z  packager  training-requested came to the packager.",
        "2026-05-04T10:00:02Z  packager  The step did not work.",
        "2026-05-04T10:00:09Z  training  Failed (archive_failed).",
    ]
    assert outcome.stderr == "The training t_1 has the status failed.\n"
    assert outcome.control_characters == set()


def test_a_story_on_a_terminal_shows_how_long_it_took_and_what_went_wrong(api: FakeApi) -> None:
    shown = run_on_a_terminal(api, "trainings", "story", "t_1").stdout
    for words in ("10:00:00", "+9.0 s", "●", "→", "!", "✗", "Failed (archive_failed)."):
        assert words in shown


def test_a_story_as_json_is_the_apis(api: FakeApi) -> None:
    outcome = run(api, "trainings", "story", "t_1", "--json")
    assert (outcome.exit_code, outcome.json, outcome.stderr) == (0, STORY, "")


def test_a_story_without_its_beginning_says_so(api: FakeApi) -> None:
    api.stories["t_1"] = {**STORY, "whole": False}
    assert "its beginning is left out" in run(api, "trainings", "story", "t_1").stderr


def test_a_story_obeys_nobody_who_wrote_into_it(api: FakeApi) -> None:
    api.stories["t_1"] = {**STORY, "lines": [a_line(0, "red \x1b[31mand\x07 loud\n")]}
    outcome = run(api, "trainings", "story", "t_1")
    assert outcome.control_characters == set()
    assert "red and loud" in outcome.stdout


def test_the_story_of_nobody_is_an_error(api: FakeApi) -> None:
    outcome = run(api, "trainings", "story", "t_2", "--json")
    assert (outcome.exit_code, outcome.json["code"]) == (3, "training_not_found")


# --- dead letters


def test_dead_letters_are_listed_with_their_trainings_and_why(api: FakeApi) -> None:
    outcome = run(api, "ops", "dead-letters", "list")
    assert outcome.exit_code == 0
    header, seven, eight = outcome.stdout.splitlines()
    assert header.split() == ["ID", "TRAINING", "TRIES", "SENT", "WHY"]
    assert (seven.split()[:3], seven.split()[-2:]) == ([SEVEN, "t_1", "10"], ["HTTP", "500"])
    assert eight.endswith("not a message")


def test_no_dead_letters_are_good_news(api: FakeApi) -> None:
    api.letters = {}
    outcome = run(api, "ops", "dead-letters", "list")
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (0, "", "No message was given up.\n")


def test_a_dead_letter_is_shown_with_what_to_do(api: FakeApi) -> None:
    outcome = run(api, "ops", "dead-letters", "show", SEVEN)
    assert "training is  requested" in outcome.stdout
    assert outcome.stderr == "Redrive it: nothing is paid twice.\n"


@pytest.mark.parametrize("verb", ["show", "redrive", "discard"])
def test_what_is_no_dead_letter_is_an_error(api: FakeApi, verb: str) -> None:
    outcome = run(api, "ops", "dead-letters", verb, "nobody.1", "--json")
    assert (outcome.exit_code, outcome.json["code"]) == (3, "dead_letter_not_found")
    assert api.settled == []


def test_dead_letters_are_redriven_one_by_one_and_each_is_told(api: FakeApi) -> None:
    outcome = run(api, "ops", "dead-letters", "redrive", SEVEN, "nobody.1", EIGHT)
    assert outcome.exit_code == 3
    assert outcome.stdout == f"{SEVEN} is delivered again.\n"
    assert api.settled == [("redrive", SEVEN)]


def test_all_dead_letters_are_redriven_at_once(api: FakeApi) -> None:
    outcome = run(api, "ops", "dead-letters", "redrive", "--all", "--json")
    assert [letter["id"] for letter in outcome.json["redriven"]] == [SEVEN, EIGHT]
    assert api.settled == [("redrive", SEVEN), ("redrive", EIGHT)]
    again = run(api, "ops", "dead-letters", "redrive", "--all")
    assert (again.exit_code, again.stdout, again.stderr) == (0, "", "No message was given up.\n")


@pytest.mark.parametrize("words", [[], [SEVEN, "--all"]])
def test_which_to_redrive_has_to_be_said_once(api: FakeApi, words: list[str]) -> None:
    assert run(api, "ops", "dead-letters", "redrive", *words).exit_code == 2
    assert api.settled == []


def test_in_a_script_a_dead_letter_is_discarded_without_a_question(api: FakeApi) -> None:
    outcome = run(api, "ops", "dead-letters", "discard", SEVEN)
    assert (outcome.exit_code, outcome.stdout) == (0, f"{SEVEN} is gone.\n")
    assert api.settled == [("discard", SEVEN)]


@pytest.mark.parametrize(("typed", "exit_code", "settled"), [("n\n", 1, []), ("y\n", 0, [("discard", SEVEN)])])
def test_on_a_terminal_discarding_is_asked_about(
    api: FakeApi, typed: str, exit_code: int, settled: list[tuple[str, str]]
) -> None:
    outcome = run_on_a_terminal(api, "ops", "dead-letters", "discard", SEVEN, typed=typed)
    assert (outcome.exit_code, api.settled) == (exit_code, settled)


# --- redrive and sweep


def test_a_training_is_redriven_and_what_will_come_of_it_is_told(api: FakeApi) -> None:
    api.trainings["t_1"] = a_training(status="running")
    outcome = run(api, "ops", "redrive", "t_1")
    assert outcome.stdout == (
        "The training has the status running. It is being looked after now: fal.ai is asked how far it is.\n"
    )
    assert "lora trainings story t_1" in outcome.stderr


def test_a_set_of_pictures_is_redriven_in_words_about_pictures(api: FakeApi) -> None:
    api.trainings["i_1"] = a_training(status="running")
    outcome = run(api, "ops", "redrive", "i_1")
    assert outcome.stdout.startswith("The set of pictures has the status running.")
    assert "lora images story i_1" in outcome.stderr
    assert "training" not in outcome.stdout + outcome.stderr


def test_a_training_that_is_not_there_cannot_be_redriven(api: FakeApi) -> None:
    outcome = run(api, "ops", "redrive", "t_2", "--json")
    assert (outcome.exit_code, outcome.json["code"]) == (3, "training_not_found")
    assert "t_ and 24 signs" in outcome.stderr
    assert "lora ops dead-letters redrive LETTER" in outcome.stderr, "who means the other one finds it"


def test_a_dead_letter_that_is_none_is_told_with_what_one_is_like(api: FakeApi) -> None:
    outcome = run(api, "ops", "dead-letters", "redrive", "t_2")
    assert outcome.exit_code == 3
    assert "training-requested-packager.42" in outcome.stderr
    assert "lora ops redrive JOB" in outcome.stderr


@pytest.mark.parametrize(
    ("words", "found_with"),
    [
        (("trainings", "show", "nonsense"), "lora trainings list"),
        (("models", "show", "nonsense"), "lora models list"),
        (("shoots", "show", "nonsense"), "lora shoots list"),
    ],
)
def test_an_id_that_is_none_is_told_with_where_ids_are(api: FakeApi, words: tuple[str, ...], found_with: str) -> None:
    outcome = run(api, *words)
    assert outcome.exit_code == 3
    assert found_with in outcome.stderr


def test_a_sweep_is_waited_for_and_tells_what_it_found(api: FakeApi) -> None:
    found = {
        "at": "2026-05-04T10:00:01+00:00",
        "training_id": "t_1",
        "name": "archive_swept",
        "text": "Its ZIP is gone.",
    }
    api.sweeps = [a_sweep(done=False), a_sweep(checked=3, swept=1, hindered=1, found=[found])]
    outcome = run(api, "ops", "sweep")
    assert outcome.exit_code == 0
    assert outcome.stdout.splitlines() == [
        "2026-05-04T10:00:01Z  t_1  Its ZIP is gone.",
        "3 trainings looked after, 1 leftover ZIPs deleted.",
    ]
    assert outcome.stderr == "1 could not be looked after: the next tick tries again.\n"


def test_a_sweep_as_json_is_the_apis(api: FakeApi) -> None:
    api.sweeps = [a_sweep(checked=2)]
    outcome = run(api, "ops", "sweep", "--json")
    assert (outcome.exit_code, outcome.json) == (0, a_sweep(checked=2))


def test_a_monitor_that_does_not_come_to_it_is_told_in_time(api: FakeApi) -> None:
    api.sweeps = [a_sweep(done=False, code="storage_unavailable")]
    outcome = run(api, "ops", "sweep", "--wait", "1", "--json")
    assert (outcome.exit_code, outcome.json["code"]) == (1, "sweep_pending")
    assert "storage_unavailable" in outcome.stderr


@pytest.mark.parametrize("words", [["dead-letters", "list"], ["sweep"]])
def test_to_whom_there_is_nothing_it_is_explained_who_may(api: FakeApi, words: list[str]) -> None:
    api.letters = None
    outcome = run(api, "ops", *words)
    assert outcome.exit_code == 3
    assert "OPERATORS" in outcome.stderr


@pytest.mark.parametrize(
    "words", [["list"], ["show"], ["redrive"], ["discard"], []], ids=lambda words: " ".join(words) or "group"
)
def test_every_command_explains_itself(api: FakeApi, words: list[str]) -> None:
    outcome = run(api, "ops", "dead-letters", *words, "--help")
    assert outcome.exit_code == 0
    assert "lora ops dead-letters" in outcome.stdout
