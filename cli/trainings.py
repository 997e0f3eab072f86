"""`lora train` and `lora trainings`: asking for a training, and following it."""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any

import typer

from cli import stages
from cli.client import at
from cli.context import Limit, client_of
from cli.models import parameters_line
from cli.output import AsJson, ago, clean, print_json, say, show_facts, show_table, size, stderr, stdout
from cli.watching import show_failure, watch_training
from shared.stages import Status
from shared.trainers import PREPROCESSED

app = typer.Typer(no_args_is_help=True, help="The trainings: list, show and watch them.")

Document = dict[str, Any]
TrainingId = Annotated[
    str, typer.Argument(metavar="TRAINING", help="The training's id, as `lora trainings list` shows it.")
]


def train(
    context: typer.Context,
    shoot_id: Annotated[str, typer.Argument(metavar="SHOOT", help="The shoot's id, as `lora shoots list` shows it.")],
    trigger: Annotated[
        str, typer.Option("--trigger", metavar="WORD", help="The word that calls the result in prompts.")
    ],
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="How long to train; the price is linear in it.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the model; by default the costume's.")] = None,
    trainer: Annotated[
        str | None, typer.Option("--trainer", help="fal.ai's endpoint; by default FLUX.1 LoRA, fast.")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="KEY=VALUE", help="Another parameter of the trainer; repeatable."),
    ] = None,
    not_preprocessed: Annotated[
        bool,
        typer.Option("--not-preprocessed", help="Let fal.ai preprocess the pictures; by default they count as done."),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay and watch until it ends; exit code 1 where it fails.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a LoRA on a shoot. This costs money at fal.ai.

    However often the network makes this command try again, it asks for one training only.
    """
    parameters = _parameters(param or [], steps=steps, not_preprocessed=not_preprocessed)
    body = {
        "shoot_id": shoot_id,
        "trigger_word": trigger,
        "parameters": parameters,
        "model_name": name,
        "trainer": trainer,
    }
    asked = {key: value for key, value in body.items() if value is not None}
    training = client_of(context).post("/v1/trainings", asked, idempotency_key=str(uuid.uuid4()))
    if watch:
        _watch(context, training["id"], as_json=as_json)
    elif as_json:
        print_json(training)
    else:
        show_facts(stdout(), "Training", _facts(training))
        say(stderr(), f"Watch it: lora trainings watch {clean(training['id'])}")


@app.command("list", epilog="Example:  lora trainings list --status failed")
def list_trainings(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option("--status", help="Only those that stand there.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the trainings, newest first."""
    page = client_of(context).items("/v1/trainings", limit=limit, status=status.value if status else None)
    if as_json:
        print_json(page)
    elif page["items"]:
        rows = [(t["id"], t["status"], _summary(t), t["model_name"], ago(t["created_at"])) for t in page["items"]]
        show_table(stdout(), ("ID", "STATUS", "HOW FAR", "MODEL", "ASKED"), rows)
    else:
        say(stderr(), "No trainings here. Ask for one: lora train SHOOT --trigger WORD")


@app.command("show", epilog="Example:  lora trainings show t_2f7c --json")
def show_training(context: typer.Context, training_id: TrainingId, as_json: AsJson = False) -> None:
    """Show one training as it is now: stage, progress, dataset, times, and why it failed if it did."""
    training = client_of(context).get(at("trainings", training_id))
    if as_json:
        print_json(training)
        return
    show_facts(stdout(), "Training", _facts(training))
    if training["status"] == Status.FAILED:
        show_failure(training, stdout())


@app.command("watch", epilog="Example:  lora trainings watch t_2f7c --json > training.json")
def watch(context: typer.Context, training_id: TrainingId, as_json: AsJson = False) -> None:
    """Watch a training until it ends; exit code 1 where it failed or was canceled.

    Lost connections are made again. Leaving with Ctrl-C does not stop the training.
    """
    _watch(context, training_id, as_json=as_json)


def _watch(context: typer.Context, training_id: str, *, as_json: bool) -> None:
    console = stderr() if as_json else stdout()
    try:
        training = watch_training(client_of(context), training_id, console)
    except KeyboardInterrupt:
        say(stderr(), f"The training goes on. Watch it again: lora trainings watch {clean(training_id)}")
        raise
    if as_json:
        print_json(training)
    if training["status"] != Status.SUCCEEDED:
        raise typer.Exit(1)


def _parameters(given: list[str], *, steps: int | None, not_preprocessed: bool) -> Document:
    parameters: Document = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--param")
        parameters[name] = _value(value)
    if steps is not None:
        parameters["steps"] = steps
    if not_preprocessed:
        parameters[PREPROCESSED] = False
    return parameters


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _summary(training: Document) -> str:
    if training["status"] == Status.FAILED:
        return str((training.get("error") or {}).get("code", ""))
    if training["status"] == Status.SUCCEEDED:
        return str(training["model_id"])
    return stages.progress_line(training)


def _facts(training: Document) -> dict[str, object]:
    dataset = training.get("dataset")
    return {
        "id": training["id"],
        "status": training["status"],
        "stages": stages.stepper(training, 1000).plain,
        "how far": stages.progress_line(training) or None,
        "waiting because": (training.get("hindrance") or {}).get("message"),
        "model": training["model_id"],
        "model name": training["model_name"],
        "trigger": training["trigger_word"],
        "shoot": training["shoot_id"],
        "trainer": training["trainer"],
        "parameters": parameters_line(training["parameters"]),
        "dataset": _dataset_line(dataset) if dataset else None,
        "asked": f"{training['created_at']} ({ago(training['created_at'])})",
    }


def _dataset_line(dataset: Document) -> str:
    return f"{dataset['image_count']} pictures, {dataset['caption_count']} captions, {size(dataset['bytes'])}"
