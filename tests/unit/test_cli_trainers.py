"""`lora trainers`, `--preset` and `--set`: options and help that are read from the registry, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.trainers import TRAINERS
from tests.api_documents import a_problem
from tests.fake_api import FakeApi, running_api
from tests.running_cli import run, run_on_a_terminal


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        yield api


def test_every_trainer_is_listed_with_its_price_and_what_it_is_for(api: FakeApi) -> None:
    lines = run(api, "trainers", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [spec.name for spec in TRAINERS.values()]
    (fast,) = [line for line in lines if line.startswith("flux-lora-fast-training ")]
    assert "$2.00 for 1000 steps" in fast
    assert "A good first choice." in fast
    assert "not known before" in next(line for line in lines if line.startswith("qwen"))


def test_a_trainer_is_shown_with_its_presets_and_parameters(api: FakeApi) -> None:
    shown = run(api, "trainers", "show", "z-image-trainer").stdout
    for words in (
        "10 or more",
        "$2.26 for 1000 steps",
        "Z-Image Turbo",
        "fal-ai/z-image/turbo/lora",
        "style    training_type=style",
        "100 to 10000, in steps of 100",
        "content or style or balanced",
        "How much each step changes.",
    ):
        assert words.lower() in shown.lower(), words


def test_both_names_of_a_trainer_show_it_and_a_wrong_one_gets_a_hint(api: FakeApi) -> None:
    assert run(api, "trainers", "show", "fal-ai/wan-22-image-trainer").stdout.count("high-noise") == 1
    outcome = run(api, "trainers", "show", "z-image-traner")
    assert outcome.exit_code == 2
    assert "Did you mean z-image-trainer?" in outcome.stderr


def test_as_json_it_is_the_apis(api: FakeApi) -> None:
    assert len(run(api, "trainers", "list", "--json").json["items"]) == len(TRAINERS)
    assert run(api, "trainers", "show", "turbo-flux-trainer", "--json").json["resumable"] is False


def test_on_a_terminal_both_fit(api: FakeApi) -> None:
    assert "flux-lora-portrait-trainer" in run_on_a_terminal(api, "trainers", "list").stdout
    assert "face_crop" in run_on_a_terminal(api, "trainers", "show", "turbo-flux-trainer").stdout


def test_a_preset_goes_to_quote_and_order(api: FakeApi) -> None:
    assert run(api, "train", "s_1", "--trigger", "TOK", "--preset", "costume").exit_code == 0
    assert api.orders == [{"shoot_id": "s_1", "trigger_word": "TOK", "parameters": {}, "preset": "costume"}]
    assert api.quotes == [{"preset": "costume", "parameters": {}}]


@pytest.mark.parametrize(
    ("trainer", "given", "sent"),
    [
        ("z-image-trainer", "default_caption=1500", {"default_caption": "1500"}),
        ("z-image-trainer", "default_caption=", {"default_caption": ""}),
        ("z-image-trainer", "default_caption=a = b", {"default_caption": "a = b"}),
        ("z-image-trainer", "training_type=style", {"training_type": "style"}),
        ("z-image-trainer", "learning_rate=1e-4", {"learning_rate": 1e-4}),
        ("flux-lora-fast-training", "is_style=yes", {"is_style": True}),
        ("flux-lora-fast-training", "is_style=Off", {"is_style": False}),
        ("flux-lora-fast-training", "is_style=maybe", {"is_style": "maybe"}),
        ("flux-lora-fast-training", "steps=many", {"steps": "many"}),
        ("flux-lora-fast-training", "rank=16", {"rank": 16}),
    ],
)
def test_what_is_set_is_read_as_the_schema_has_it(
    api: FakeApi, trainer: str, given: str, sent: dict[str, object]
) -> None:
    run(api, "train", "s_1", "--trigger", "TOK", "--trainer", trainer, "--set", given, "--json")
    assert api.orders[0]["parameters"] == sent


def test_what_the_api_refuses_is_said_in_its_words(api: FakeApi) -> None:
    sentence = "The trainer z-image-trainer takes steps in steps of 100, not 150; the nearest is 200: change that."
    api.slips["POST", "/v1/quotes"] = [(422, a_problem(422, "invalid_parameter", sentence, parameter="steps"))]
    outcome = run(api, "train", "s_1", "--trigger", "TOK", "--trainer", "z-image-trainer", "--steps", "150")
    assert outcome.exit_code == 3
    assert sentence in outcome.stderr.replace("\n", " ")
    assert not api.orders


def test_a_price_that_is_not_known_is_said_and_asked_for(api: FakeApi) -> None:
    quote = {"price_usd": None, "unit_price_usd": None, "unit": None, "priced_at": None, "note": "fal.ai tells it."}
    api.quote_changes = quote
    told = run(api, "quote", "--trainer", "qwen-image-2512-trainer").stdout
    assert "not known: fal.ai tells it." in told
    assert "All that is left today is set aside" in told
    asked = run_on_a_terminal(api, "train", "s_1", "--trigger", "TOK", typed="n\n")
    assert "Train for a price not known yet? [y/N]" in asked.stdout
    assert not api.orders
