"""`lora quote`: what a training costs and how long it takes; and asking before money is spent."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from cli.client import ApiClient
from cli.context import can_ask, client_of
from cli.output import AsJson, duration, print_json, say, show_facts, stderr, stdout, usd
from cli.parameters import Given, PresetName, Steps, TrainerName, parameters_of
from shared.trainers.entry import MAX_PICTURES

Document = dict[str, Any]

Samples = Annotated[
    int | None,
    typer.Option(
        "--samples",
        min=0,
        max=MAX_PICTURES,
        help="Pictures to make with the model by themselves, at their price; 0: none. By default as it is set up.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before money is spent.")]


def quote(
    context: typer.Context,
    steps: Steps = None,
    trainer: TrainerName = None,
    preset: PresetName = None,
    given: Given = None,
    samples: Samples = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a training would cost and take, and what is left of the day's budget.

    Nothing is started and nothing is paid.
    """
    client = client_of(context)
    found = quote_of(client, trainer, parameters_of(client, trainer, given or [], steps=steps), preset, samples)
    if as_json:
        print_json(found)
    else:
        show_quote(found, stdout())


def quote_of(
    client: ApiClient,
    trainer: str | None,
    parameters: Document,
    preset: str | None = None,
    samples: int | None = None,
) -> Document:
    """The API's quote; of the default trainer where none is named, with as many samples as are set up by default."""
    said = {"trainer": trainer or None, "preset": preset or None, "samples": samples}
    named = {name: value for name, value in said.items() if value is not None}
    return client.post("/v1/quotes", {**named, "parameters": parameters})


def show_quote(found: Document, console: Console) -> None:
    """Price, expected duration and what is left of the budget."""
    budget = found["budget"]
    facts = {
        "trainer": found["trainer"],
        "price": _price_line(found),
        **(_sample_lines(found) if found["samples"] else {}),
        "takes": _duration_line(found["expected_s"]),
        "left today": _budget_line(budget) if budget else "no limit is set",
    }
    show_facts(console, "Quote", facts)
    if budget and (found["total_usd"] or 0) > budget["left_usd"]:
        say(console, "That is more than is left: the API will not start it today.", style="yellow")
    elif budget and found["total_usd"] is None:
        say(console, "All that is left today is set aside for it until it is billed.", style="yellow")


def agree_to_pay(
    client: ApiClient,
    trainer: str | None,
    parameters: Document,
    preset: str | None = None,
    samples: int | None = None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Show the quote and, on a terminal, ask; `typer.Exit` where the answer is no.

    Neither with --json, nor asked with --yes or where nobody can answer.
    """
    if as_json:
        return
    found = quote_of(client, trainer, parameters, preset, samples)
    show_quote(found, stderr())
    if yes or not can_ask(as_json=as_json):
        return
    price = found["total_usd"]
    if not typer.confirm(f"Train for {'a price not known yet' if price is None else usd(price)}?", err=True):
        say(stderr(), "Nothing was started.")
        raise typer.Exit(1)


def _price_line(found: Document) -> str:
    if found["price_usd"] is None:
        return f"not known: {found['note']}"
    unit = f"({usd(found['unit_price_usd'])} for {found['unit']}, as of {found['priced_at']})"
    return "  ".join(filter(None, [usd(found["price_usd"]), unit, found["note"]]))


def _sample_lines(found: Document) -> dict[str, object]:
    """What the pictures cost that are made by themselves afterwards, and all of it together."""
    samples = "1 picture" if found["samples"] == 1 else f"{found['samples']} pictures"
    known = found["samples_usd"] is not None
    price = usd(found["samples_usd"]) if known else "a price not known before"
    total = usd(found["total_usd"]) if found["total_usd"] is not None else "not known"
    return {"samples": f"{price}  ({samples} of the new model)", "in all": total}


def _duration_line(expected: Document | None) -> str:
    if expected is None:
        return "no estimate yet: too few trainings have finished"
    half, most = duration(expected["p50"]), duration(expected["p90"])
    return f"about {half}, nine in ten within {most}  (from the last {expected['of']} trainings)"


def _budget_line(budget: Document) -> str:
    reserved = f", {usd(budget['reserved_usd'])} set aside for trainings under way" if budget["reserved_usd"] else ""
    return f"{usd(budget['left_usd'])} of {usd(budget['limit_usd'])}{reserved}"
