"""`lora train`: asking for a training, once the price is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client import ApiClient, ApiProblem
from cli.context import client_of
from cli.orders import Key, order_once
from cli.output import AsJson, clean, print_json, say, show_facts, stderr, stdout
from cli.parameters import Given, PresetName, Steps, TrainerName, pairs, parameters_of
from cli.quotes import Samples, Yes, agree_to_pay
from cli.retraining import FromModel, GoesOn, Order, Without, order_again, order_anew, trainer_of
from cli.trainings import Watch, training_facts, watch_to_the_end

Document = dict[str, Any]


Shoot = Annotated[
    str | None,
    typer.Argument(metavar="SHOOT", help="The shoot's id, as `lora shoots list` shows it; or --from-model."),
]
Trigger = Annotated[
    str | None, typer.Option("--trigger", metavar="WORD", help="The word that calls the result in prompts.")
]
Name = Annotated[str | None, typer.Option("--name", help="Name of the model; by default the costume's.")]
NotPreprocessed = Annotated[
    bool,
    typer.Option("--not-preprocessed", help="Let fal.ai preprocess the pictures; by default they count as done."),
]
Caption = Annotated[
    list[str] | None,
    typer.Option(
        "--caption", metavar="STEM=TEXT", help="Caption of the picture STEM.jpg for this training alone; repeatable."
    ),
]
Captions = Annotated[
    Path | None,
    typer.Option(
        "--captions",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help='Such captions from a JSON file: {"STEM": "TEXT", …}.',
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Train, and pay, although the same was ordered before.")]


def train(
    context: typer.Context,
    shoot_id: Shoot = None,
    trigger: Trigger = None,
    from_model: FromModel = None,
    goes_on: GoesOn = False,
    steps: Steps = None,
    name: Name = None,
    trainer: TrainerName = None,
    preset: PresetName = None,
    given: Given = None,
    not_preprocessed: NotPreprocessed = False,
    caption: Caption = None,
    captions: Captions = None,
    without: Without = None,
    force: Force = False,
    samples: Samples = None,
    key: Key = None,
    yes: Yes = False,
    watch: Watch = False,
    as_json: AsJson = False,
) -> None:
    """Train a LoRA on a shoot. This costs money at fal.ai: on a terminal, the price is shown and confirmed first.

    With --from-model a model is trained again as it was, but for what is said
    here, on the pictures that its shoot has now; it becomes the next version.

    However often the network makes this command try again, it asks for one training only;
    with --key, so does however often you do.
    """
    client = client_of(context)
    of = trainer_of(client, from_model, trainer) if given else trainer
    wanted = {
        "shoot_id": shoot_id,
        "trigger_word": trigger,
        "parameters": parameters_of(client, of, given or [], steps=steps, not_preprocessed=not_preprocessed),
        "model_name": name,
        "trainer": trainer,
        "preset": preset,
        "captions": _captions(captions, caption or []) or None,
        "without": without or None,
        "force": force or None,
        "samples": samples,
    }
    order = (
        order_again(client, from_model, wanted, goes_on=goes_on) if from_model else order_anew(wanted, goes_on=goes_on)
    )
    agree_to_pay(client, order.trainer, order.parameters, preset, samples, yes=yes, as_json=as_json)
    _tell(context, _ordered(client, order, key), watch=watch, as_json=as_json)


def _tell(context: typer.Context, training: Document, *, watch: bool, as_json: bool) -> None:
    if watch:
        watch_to_the_end(context, training["id"], as_json=as_json)
    elif as_json:
        print_json(training)
    else:
        show_facts(stdout(), "Training", training_facts(training))
        say(stderr(), f"Watch it: lora trainings watch {clean(training['id'])}")


# what to do where the same was ordered before: the detail that names it, and the next step
_THE_SAME = {
    "already_trained": ("model_id", "See it: lora models show {}. To train the same again, and pay again: --force"),
    "already_training": ("training_id", "Watch it: lora trainings watch {}. To pay for the same twice: --force"),
    "already_paid": ("training_id", "Fetch what was paid for: lora trainings retry {}. To pay again: --force"),
}


def _ordered(client: ApiClient, order: Order, key: str | None) -> Document:
    asked = {name: value for name, value in order.body.items() if value is not None}
    try:
        return order_once(client, order.path, asked, key=key, listed_by="lora trainings list")
    except ApiProblem as problem:
        if problem.code in _THE_SAME:
            field, hint = _THE_SAME[problem.code]
            problem.hint = hint.format(clean(problem.problem.get("details", {}).get(field, "ID")))
        raise


def _captions(file: Path | None, given: list[str]) -> dict[str, str]:
    """Those of the file, and in their place those of the command line."""
    return {**(_captions_in(file) if file else {}), **pairs(given, "--caption", "STEM=TEXT")}


def _captions_in(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file} cannot be read as JSON ({error})", param_hint="--captions") from error
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        shape = '{"STEM": "TEXT", …}'
        raise typer.BadParameter(f"{file} is not of the form {shape}", param_hint="--captions")
    return found
