"""`lora data`: what there is of whom, and what is deleted by itself soon."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console

from cli.client import at
from cli.context import client_of
from cli.output import AsJson, in_utc, print_json, say, show_table, stderr, stdout

Document = dict[str, Any]

KEPT = "Nothing is deleted by itself: trainings and pictures are kept until you delete them, and models always are."
NEXT = "See what deleting would take along: lora erase person PERSON --dry-run. Receipts: lora erase receipts"


def show_data(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what there is of each person in numbers, and what failed and is deleted by itself within a week."""
    client = client_of(context)
    people, due = client.get(at("people"))["items"], client.get(at("erasures", "due"))
    if as_json:
        print_json({"people": people, "due": due})
        return
    if not people:
        say(stderr(), "Nobody yet: you have no shoots, trainings, models or pictures.")
        return
    rows = [(p["id"], p["shoots"], p["trainings"], p["models"], p["images"]) for p in people]
    show_table(stdout(), ("PERSON", "SHOOTS", "TRAININGS", "MODELS", "SETS OF PICTURES"), rows)
    _show_due(due, stdout())
    say(stderr(), NEXT)


def _show_due(due: Document, console: Console) -> None:
    say(console, "")
    if due["items"]:
        show_table(console, ("ID", "WHAT", "DELETED BY ITSELF"), [_due_row(item) for item in due["items"]])
        return
    days = due["kept_days"]
    kept = f"Nothing is deleted by itself within a week; what failed or was canceled is kept for {days or 0:g} days."
    say(console, kept if days else KEPT)


def _due_row(item: Document) -> tuple[object, ...]:
    noun = "training" if item["training_id"] else "pictures"
    return item["training_id"] or item["images_id"], f"{noun} of {item['model_name']}", in_utc(item["due_at"])
