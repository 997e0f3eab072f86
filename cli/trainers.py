"""`lora trainers`: what can be trained with, as the API's registry tells it."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.client import Misused
from cli.context import client_of
from cli.output import AsJson, print_json, say, show_facts, show_table, stderr, stdout, usd
from cli.parameters import find_trainer, parameters_line, value_as_given

app = typer.Typer(no_args_is_help=True, help="The trainers that can be chosen: list them, show what each one takes.")

Document = dict[str, Any]


@app.command("list", epilog="Example:  lora trainers list")
def list_trainers(context: typer.Context, as_json: AsJson = False) -> None:
    """List the trainers that can be chosen; the first is taken where none is named."""
    found = client_of(context).get("/v1/trainers")
    if as_json:
        print_json(found)
        return
    rows = [(t["name"], t["minimum_images"], price_words(t), t["summary"]) for t in found["items"]]
    show_table(stdout(), ("NAME", "PICTURES", "PRICE", "WHAT IT IS FOR"), rows, wrap=True)
    say(stderr(), "See what one takes: lora trainers show NAME")


@app.command("show", epilog="Example:  lora trainers show flux-lora-portrait-trainer")
def show_trainer(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The trainer, as `lora trainers list` names it.")],
    as_json: AsJson = False,
) -> None:
    """Show one trainer: its presets, its parameters with their ranges, its price, and what it can."""
    items = client_of(context).get("/v1/trainers")["items"]
    trainer = find_trainer(items, name)
    if trainer is None:
        raise _no_such(name, items)
    if as_json:
        print_json(trainer)
        return
    console = stdout()
    show_facts(console, trainer["title"], trainer_facts(trainer))
    _show_presets(trainer, console)
    _show_parameters(trainer, console)
    say(stderr(), f"Give one with --set NAME=VALUE: lora train SHOOT --trigger WORD --trainer {trainer['name']}")


def trainer_facts(trainer: Document) -> dict[str, object]:
    """A trainer as names and values for people."""
    files = [part for part in trainer["weights_files"] if part]
    return {
        "name": trainer["name"],
        "for": trainer["summary"],
        "chosen": "unless --trainer says otherwise" if trainer["default"] else f"with --trainer {trainer['name']}",
        "pictures": f"{trainer['minimum_images']} or more",
        "price": " – ".join(filter(None, [price_words(trainer), trainer["price_note"]])),
        "base model": trainer["base_model"]["title"],
        "pictures with it": (trainer["base_model"]["pictures"] or {}).get("endpoint"),
        "weights": f"{len(files)} files: {', '.join(files)}" if files else "one file",
        "can continue": "yes, from an earlier model" if trainer["resumable"] else "no",
        "described at": next((place for place in trainer["source"] if place.startswith("https://")), None),
        "entry": f"version {trainer['version']}",
    }


def price_words(trainer: Document) -> str:
    """The price rule in a few words."""
    price = trainer["price"]
    return f"{usd(price['usd'])} for {price['unit']}" if price else "not known before"


def _show_presets(trainer: Document, console: Console) -> None:
    if trainer["presets"]:
        say(console, "")
        rows = [(p["name"], parameters_line(p["parameters"]) or "the defaults", p["help"]) for p in trainer["presets"]]
        show_table(console, ("PRESET", "SETS", "WHAT IT LEARNS"), rows, wrap=True)


def _show_parameters(trainer: Document, console: Console) -> None:
    say(console, "")
    rows = [
        (name, takes_words(p), value_as_given(p["default"]), p["description"])
        for name, p in trainer["parameters"]["properties"].items()
    ]
    show_table(console, ("PARAMETER", "TAKES", "DEFAULT", "WHAT IT DOES"), rows, wrap=True)


def takes_words(schema: Document) -> str:
    """What a parameter takes, in a few words, from its schema."""
    if "enum" in schema:
        return " or ".join(schema["enum"])
    words = {"integer": "whole number", "number": "number", "boolean": "true or false"}.get(schema["type"], "text")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        words = f"{low:g} to {high:g}"
    return f"{words}, in steps of {schema['multipleOf']}" if "multipleOf" in schema else words


def _no_such(name: str, items: list[Document]) -> Misused:
    near = difflib.get_close_matches(name, [trainer["name"] for trainer in items], n=1)
    hint = f"Did you mean {near[0]}?" if near else "See them all: lora trainers list"
    return Misused("no_such_trainer", f"There is no trainer {name}.", hint)
