"""`lora quote` and `lora trainers`: what can be trained with, what it costs, and how long it takes."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.client import ApiClient
from cli.context import can_ask, client_of
from cli.output import AsJson, duration, print_json, say, show_facts, show_table, stderr, stdout, usd
from shared.trainers import PREPROCESSED

Document = dict[str, Any]

Steps = Annotated[int | None, typer.Option("--steps", min=1, help="How long to train; the price is linear in it.")]
TrainerName = Annotated[str | None, typer.Option("--trainer", help="fal.ai's endpoint, as `lora trainers` shows it.")]
Param = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="KEY=VALUE", help="Another parameter of the trainer; repeatable."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before money is spent.")]


def quote(
    context: typer.Context,
    steps: Steps = None,
    trainer: TrainerName = None,
    param: Param = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a training would cost and take, and what is left of the day's budget.

    Nothing is started and nothing is paid.
    """
    found = quote_of(client_of(context), trainer, parameters_of(param or [], steps=steps))
    if as_json:
        print_json(found)
    else:
        show_quote(found, stdout())


def trainers(context: typer.Context, as_json: AsJson = False) -> None:
    """List the trainers that can be chosen, with the parameters that each one takes."""
    found = client_of(context).get("/v1/trainers")
    if as_json:
        print_json(found)
        return
    console = stdout()
    for number, trainer in enumerate(found["items"]):
        if number:
            say(console, "")
        facts = {
            "title": trainer["title"],
            "chosen": "unless --trainer says otherwise" if trainer["default"] else "with --trainer",
            "pictures": f"{trainer['minimum_images']} or more",
        }
        show_facts(console, trainer["endpoint"], facts)
        rows = [(p["name"], _range(p), value_as_given(p["default"]), p["help"]) for p in trainer["parameters"]]
        show_table(console, ("PARAMETER", "TAKES", "DEFAULT", "WHAT IT DOES"), rows, wrap=True)
    say(stderr(), "Give one with --param NAME=VALUE to `lora train` or `lora quote`.")


def quote_of(client: ApiClient, trainer: str | None, parameters: Document) -> Document:
    """The API's quote; of the default trainer where none is named."""
    named = {"trainer": trainer} if trainer else {}
    return client.post("/v1/quotes", {**named, "parameters": parameters})


def show_quote(found: Document, console: Console) -> None:
    """Price, expected duration and what is left of the budget."""
    budget = found["budget"]
    facts = {
        "trainer": found["trainer"],
        "price": f"{usd(found['price_usd'])}  ({usd(found['unit_price_usd'])} for {found['unit']}, "
        f"as of {found['priced_at']})",
        "takes": _duration_line(found["expected_s"]),
        "left today": _budget_line(budget) if budget else "no limit is set",
    }
    show_facts(console, "Quote", facts)
    if budget and found["price_usd"] > budget["left_usd"]:
        say(console, "That is more than is left: the API will not start it today.", style="yellow")


def agree_to_pay(client: ApiClient, trainer: str | None, parameters: Document, *, yes: bool, as_json: bool) -> None:
    """Show the quote and, on a terminal, ask; `typer.Exit` where the answer is no.

    Neither with --json, nor asked with --yes or where nobody can answer.
    """
    if as_json:
        return
    found = quote_of(client, trainer, parameters)
    show_quote(found, stderr())
    if yes or not can_ask(as_json=as_json):
        return
    if not typer.confirm(f"Train for {usd(found['price_usd'])}?", err=True):
        say(stderr(), "Nothing was started.")
        raise typer.Exit(1)


def parameters_of(given: list[str], *, steps: int | None = None, not_preprocessed: bool = False) -> Document:
    """The trainer's parameters from the command line; a value that is JSON is taken as such."""
    parameters: Document = {name: _value(text) for name, text in pairs(given, "--param", "KEY=VALUE").items()}
    if steps is not None:
        parameters["steps"] = steps
    if not_preprocessed:
        parameters[PREPROCESSED] = False
    return parameters


def pairs(given: list[str], option: str, shape: str) -> dict[str, str]:
    """What was given as NAME=VALUE, by name; the last of a name counts."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is not {shape}", param_hint=option)
        found[name] = value
    return found


def parameters_line(parameters: Document) -> str:
    """Parameters as they are given to `lora train --param`."""
    return ", ".join(f"{name}={value_as_given(value)}" for name, value in parameters.items())


def value_as_given(value: object) -> str:
    """A parameter's value as it is written on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _range(parameter: Document) -> str:
    low, high, kind = parameter["minimum"], parameter["maximum"], parameter["type"]
    if low is not None and high is not None:
        return f"{kind}, {low:g} to {high:g}"
    if low is not None:
        return f"{kind}, {low:g} or more"
    return f"{kind}, at most {high:g}" if high is not None else str(kind)


def _duration_line(expected: Document | None) -> str:
    if expected is None:
        return "no estimate yet: too few trainings have finished"
    half, most = duration(expected["p50"]), duration(expected["p90"])
    return f"about {half}, nine in ten within {most}  (from the last {expected['of']} trainings)"


def _budget_line(budget: Document) -> str:
    reserved = f", {usd(budget['reserved_usd'])} set aside for trainings under way" if budget["reserved_usd"] else ""
    return f"{usd(budget['left_usd'])} of {usd(budget['limit_usd'])}{reserved}"
