"""`lora trainings`: seeing how they are, and stepping in."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import stages
from cli.client import ApiClient, at
from cli.context import Limit, client_of
from cli.orders import retry_once
from cli.output import AsJson, ago, clean, print_json, say, show_facts, show_table, size, stderr, stdout, usd, when
from cli.parameters import parameters_line
from cli.quotes import Yes, agree_to_pay
from cli.watching import follow_log, show_failure, watch_training
from shared.stages import Status

app = typer.Typer(
    no_args_is_help=True, help="The trainings: list, show and watch them, read their logs, cancel and retry them."
)

Document = dict[str, Any]
TrainingId = Annotated[
    str, typer.Argument(metavar="TRAINING", help="The training's id, as `lora trainings list` shows it.")
]
Watch = Annotated[bool, typer.Option("--watch", help="Stay and watch until it ends; exit code 1 where it fails.")]


@app.command("list", epilog="Example:  lora trainings list --status failed --shoot s_2f7c")
def list_trainings(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option("--status", help="Only those that stand there.")] = None,
    shoot: Annotated[str | None, typer.Option("--shoot", metavar="SHOOT", help="Only those of this shoot.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the trainings, newest first."""
    wanted = {"status": status.value if status else None, "shoot_id": shoot}
    page = client_of(context).items("/v1/trainings", limit=limit, **wanted)
    if as_json:
        print_json(page)
    elif page["items"]:
        rows = [(t["id"], t["status"], _summary(t), t["model_name"], ago(t["created_at"])) for t in page["items"]]
        show_table(stdout(), ("ID", "STATUS", "HOW FAR", "MODEL", "ASKED"), rows)
    elif status or shoot:
        say(stderr(), "No such trainings. See all: lora trainings list")
    else:
        say(stderr(), "No trainings here. Ask for one: lora train SHOOT --trigger WORD")


@app.command("show", epilog="Example:  lora trainings show t_2f7c --json")
def show_training(context: typer.Context, training_id: TrainingId, as_json: AsJson = False) -> None:
    """Show one training as it is now: stage, progress, dataset, times, and why it failed if it did."""
    training = client_of(context).get(at("trainings", training_id))
    if as_json:
        print_json(training)
        return
    show_facts(stdout(), "Training", training_facts(training))
    if training["status"] == Status.FAILED:
        show_failure(training, stdout())


@app.command("watch", epilog="Example:  lora trainings watch t_2f7c --json > training.json")
def watch(context: typer.Context, training_id: TrainingId, as_json: AsJson = False) -> None:
    """Watch a training until it ends; exit code 1 where it failed or was canceled.

    Lost connections are made again. Leaving with Ctrl-C does not stop the training.
    """
    watch_to_the_end(context, training_id, as_json=as_json)


@app.command("cancel", epilog="Example:  lora trainings cancel t_2f7c")
def cancel(context: typer.Context, training_id: TrainingId, as_json: AsJson = False) -> None:
    """Cancel a training; exit code 1 where it is too late.

    What has not been sent to fal.ai is canceled at once and costs nothing.
    Afterwards fal.ai can only be asked to stop, and may still bill.
    """
    done = client_of(context).post(at("trainings", training_id, "cancel"))
    canceled = done["training"]["status"] == Status.CANCELED
    too_late = done["outcome"] == "too_late" and not canceled
    if as_json:
        print_json(done)
    elif done["outcome"] == "too_late" and canceled:
        say(stdout(), "It was canceled already.")
    else:
        say(stdout(), clean(done["message"]), style="yellow" if too_late else "green")
        if done["outcome"] == "asked":
            say(stderr(), f"See what comes of it: lora trainings watch {clean(training_id)}")
    if too_late:
        raise typer.Exit(1)


@app.command("retry", epilog="Example:  lora trainings retry t_2f7c --watch")
def retry(
    context: typer.Context, training_id: TrainingId, yes: Yes = False, watch: Watch = False, as_json: AsJson = False
) -> None:
    """Fetch paid weights again, for free, where that failed; else start the same training anew, which costs money.

    On a terminal, the price of a new training is shown and confirmed first.
    Retrying one training twice starts one new training only.
    """
    client = client_of(context)
    before = client.get(at("trainings", training_id))
    if stages.costs_again(before):
        agree_to_pay(
            client, before["trainer"], before["parameters"], samples=before["samples"], yes=yes, as_json=as_json
        )
    training = retry_once(client, at("trainings", training_id, "retry"), listed_by="lora trainings list")
    say(stderr(), stages.retry_line(before, training))
    if watch:
        watch_to_the_end(context, training["id"], as_json=as_json)
    elif as_json:
        print_json(training)
    else:
        show_facts(stdout(), "Training", training_facts(training))


@app.command("check", epilog="Example:  lora trainings check t_2f7c")
def check(context: typer.Context, training_id: TrainingId, as_json: AsJson = False) -> None:
    """Have a training looked after now instead of within a minute: news at fal.ai, lost results, stalled stages."""
    training = client_of(context).post(at("trainings", training_id, "check"))
    if as_json:
        print_json(training)
    elif stages.is_ended(training):
        say(stdout(), f"It {clean(stages.ending(training))} already: nothing is left to look after.")
    else:
        say(stdout(), "It is being looked after now.")
        say(stderr(), f"What is found shows here: lora trainings watch {clean(training_id)}")


@app.command("log", epilog="Example:  lora trainings log t_2f7c --follow")
def log(
    context: typer.Context,
    training_id: TrainingId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the training ends; exit code 1 where it fails.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print fal.ai's log: whole where the training succeeded, its last lines otherwise."""
    client = client_of(context)
    training = client.get(at("trainings", training_id))
    if follow and not stages.is_ended(training):
        lines = _followed(client, training_id, as_json=as_json)
        training = client.get(at("trainings", training_id))
    else:
        lines = client.text(at("trainings", training_id, "log")).removesuffix("\n").split("\n")
        lines = [] if lines == [""] else lines
        for line in () if as_json else lines:
            say(stdout(), clean(line))
    if as_json:
        print_json({"training_id": training["id"], "status": training["status"], "lines": lines})
    elif not lines:
        say(stderr(), "There is no log" + ("." if stages.is_ended(training) else " yet: fal.ai has not begun."))
    if follow and training["status"] != Status.SUCCEEDED:
        say(stderr(), f"The training {clean(training['id'])} {clean(stages.ending(training))}.")
        raise typer.Exit(1)


def watch_to_the_end(context: typer.Context, training_id: str, *, as_json: bool) -> None:
    """Watch until it ends; `typer.Exit` with 1 where it did not succeed."""
    console = stderr() if as_json else stdout()
    try:
        training = watch_training(client_of(context), training_id, console)
    except KeyboardInterrupt:
        _say_that_it_goes_on(training_id)
        raise
    if as_json:
        print_json(training)
    if training["status"] != Status.SUCCEEDED:
        raise typer.Exit(1)


def training_facts(training: Document) -> dict[str, object]:
    """A training as names and values for people."""
    dataset = training.get("dataset")
    return {
        "id": training["id"],
        "status": training["status"],
        "stages": stages.stepper(training, 1000).plain,
        "how far": stages.progress_line(training) or None,
        "waiting because": (training.get("hindrance") or {}).get("message"),
        "canceled": _cancellation_line(training),
        "model": training["model_id"],
        "model name": training["model_name"],
        "trigger": training["trigger_word"],
        "shoot": training["shoot_id"],
        "trainer": training["trainer"],
        "preset": training.get("preset"),
        "parameters": parameters_line(training["parameters"]),
        "dataset": _dataset_line(dataset) if dataset else None,
        "price": _price_line(training),
        "afterwards": stages.samples_line(training),
        "retry of": training.get("predecessor_id"),
        "continues" if training.get("continues") else "trains again": training.get("parent_model_id"),
        "without": ", ".join(training.get("without") or ()) or None,
        "asked": when(training["created_at"]),
    }


def _followed(client: ApiClient, training_id: str, *, as_json: bool) -> list[str]:
    lines = []
    try:
        for line in follow_log(client, training_id, on_lost=lambda error: say(stderr(), clean(error.sentence))):
            lines.append(line)
            if not as_json:
                say(stdout(), line)
    except KeyboardInterrupt:
        _say_that_it_goes_on(training_id)
        raise
    return lines


def _say_that_it_goes_on(training_id: str) -> None:
    say(stderr(), f"The training goes on. Watch it again: lora trainings watch {clean(training_id)}")


def _summary(training: Document) -> str:
    if training["status"] == Status.FAILED:
        return str((training.get("error") or {}).get("code", ""))
    if training["status"] == Status.SUCCEEDED:
        return str(training["model_id"])
    return stages.progress_line(training)


def _cancellation_line(training: Document) -> str | None:
    if training["status"] == Status.CANCELED:
        error = training.get("error") or {}
        return f"{error.get('message', '')} Cost money: {stages.cost_line(error.get('charged'))}."
    asked_at = training.get("cancel_requested_at")
    return (
        f"asked for {ago(asked_at)}; fal.ai may still bill what it did"
        if asked_at and not stages.is_ended(training)
        else None
    )


def _price_line(training: Document) -> str | None:
    quoted, billed = (training.get("quote") or {}).get("price_usd"), training.get("cost_usd")
    parts = [f"{usd(quoted)} quoted"] if quoted is not None else []
    parts += [f"{usd(billed)} billed"] if billed is not None else []
    return ", ".join(parts) or None


def _dataset_line(dataset: Document) -> str:
    return f"{dataset['image_count']} pictures, {dataset['caption_count']} captions, {size(dataset['bytes'])}"
