"""`lora erase`: delete a model, a training, pictures or all there is of a person, and the receipts of that."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client import ApiClient, CommandError, Misused, at
from cli.context import Limit, can_ask, client_of
from cli.output import AsJson, ago, clean, print_json, say, show_table, size, stderr, stdout

app = typer.Typer(
    no_args_is_help=True,
    help="Delete for good: a model, a training, pictures, or everything of a person. What goes is shown first.",
)

Document = dict[str, Any]

PATIENCE_S = 120.0
PAUSE_S = 0.3

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted, and delete nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Delete without a question.")]


class NotDoneYet(CommandError):
    """The erasure is recorded and goes on without us."""

    exit_code = 6


@dataclass(frozen=True, kw_only=True)
class Erasable:
    """Something that can be deleted: what the API calls it, what its id is, what goes with it, and an example."""

    subject: str
    id_help: str
    goes: str
    example: str


MODEL = Erasable(
    subject="model",
    id_help="The model's id.",
    goes="Delete a model: weights, configuration, pictures made with it, its record, and what fal.ai keeps of its run.",
    example="m_2f7c --dry-run",
)
TRAINING = Erasable(
    subject="training",
    id_help="The training's id.",
    goes="Delete a training that has ended: its record, log and story, and what fal.ai keeps of it. Its model stays.",
    example="t_2f7c",
)
PICTURES = Erasable(
    subject="images",
    id_help="The id of a set of pictures.",
    goes="Delete a set of pictures: the pictures, their record with its prompt, and what fal.ai keeps of them.",
    example="i_2f7c --dry-run",
)
PERSON = Erasable(
    subject="person",
    id_help="The person's id, as shoots and models show it.",
    goes="Delete everything that you have of a person: models, trainings and pictures; shoots where they are ours.",
    example="anna --dry-run",
)


def add_command(to: typer.Typer, group: str, name: str, what: Erasable) -> None:
    """Let `lora GROUP NAME`, where `to` is the group, delete such a thing."""
    wanted: Any = typer.Argument(metavar=what.subject.upper(), help=what.id_help)

    @to.command(name, help=what.goes, epilog=f"Example:  lora {group} {name} {what.example}")
    def command(
        context: typer.Context,
        subject_id: str = wanted,
        dry_run: DryRun = False,
        yes: Yes = False,
        as_json: AsJson = False,
    ) -> None:
        erase(client_of(context), what.subject, subject_id, dry_run=dry_run, yes=yes, as_json=as_json)


for _what in (MODEL, TRAINING, PICTURES, PERSON):
    add_command(app, "erase", _what.subject, _what)


@app.command("receipts", epilog="Example:  lora erase receipts --json")
def list_receipts(context: typer.Context, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List what was deleted, newest first."""
    page = client_of(context).items("/v1/erasures", limit=limit)
    if as_json:
        print_json(page)
    elif page["items"]:
        rows = [
            (e["id"], e["subject"], e["subject_id"], e["state"], _things(e["deleted"]), ago(e["requested_at"]))
            for e in page["items"]
        ]
        show_table(stdout(), ("ID", "WHAT", "OF", "STATE", "DELETED", "ASKED"), rows)
    else:
        say(stderr(), "Nothing was deleted yet.")


@app.command("receipt", epilog="Example:  lora erase receipt e_2f7c --to receipt.json")
def show_receipt(
    context: typer.Context,
    erasure_id: Annotated[str, typer.Argument(metavar="RECEIPT", help="Its id, as `lora erase receipts` shows it.")],
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Write it there, as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one receipt: what was deleted, what was not, and why."""
    erasure = client_of(context).get(at("erasures", erasure_id))
    if to is not None:
        _write(erasure, to)
    elif as_json:
        print_json(erasure)
    else:
        _show_receipt(erasure)


def _write(erasure: Document, to: Path) -> None:
    try:
        to.write_text(json.dumps(erasure, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        sentence = f"{to} cannot be written to ({error.strerror}): name another file."
        raise Misused("file_not_writable", sentence) from error
    say(stderr(), f"Written to {clean(to)}.")


def erase(client: ApiClient, subject: str, subject_id: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show what would go, have it confirmed, have it deleted, and show the receipt.

    `Misused` where nobody can confirm it and `yes` was not said; `NotDoneYet` where it goes on without us.
    """
    plan = client.get("/v1/erasures/plan", subject=subject, subject_id=subject_id)
    if dry_run:
        _tell_plan(plan, as_json=as_json)
        return
    if not yes:
        _confirm(plan, as_json=as_json)
    asked = client.post("/v1/erasures", {"subject": subject, "subject_id": subject_id, "confirm": plan["name"]})
    receipt = await_receipt(client, asked)
    if as_json:
        print_json(receipt)
    else:
        _show_receipt(receipt)
        say(stderr(), f"Deleted. The receipt is {clean(receipt['id'])}: lora erase receipt {clean(receipt['id'])}")


def _confirm(plan: Document, *, as_json: bool) -> None:
    name = clean(plan["name"])
    if not can_ask(as_json=as_json):
        raise Misused(
            "not_confirmed",
            "Deleting is for good and has to be confirmed.",
            "See what goes with --dry-run, then say so: "
            f"lora erase {plan['subject']} {clean(plan['subject_id'])} --yes",
        )
    _show_plan(plan)
    if not name:
        _ask_plainly()
        return
    typed = typer.prompt(f"Type its name, {name}, to delete it", err=True, default="", show_default=False)
    if typed.strip() != plan["name"]:
        say(stderr(), "That is not its name. Nothing was deleted.")
        raise typer.Exit(1)


def _ask_plainly() -> None:
    if not typer.confirm("Delete them for good?", err=True):
        say(stderr(), "Nothing was deleted.")
        raise typer.Exit(1)


def await_receipt(client: ApiClient, erasure: Document) -> Document:
    """The receipt of an erasure, once there is one; `NotDoneYet` where that takes too long."""
    end = time.monotonic() + PATIENCE_S
    while erasure["state"] != "done":
        if time.monotonic() > end:
            why = f" ({erasure['hindrance']})" if erasure["hindrance"] else ""
            sentence = f"It is recorded and goes on by itself, but is not done yet{why}."
            raise NotDoneYet("not_done_yet", sentence, f"Look later: lora erase receipt {clean(erasure['id'])}")
        time.sleep(PAUSE_S)
        erasure = client.get(at("erasures", erasure["id"]))
    return erasure


def _tell_plan(plan: Document, *, as_json: bool) -> None:
    if as_json:
        print_json(plan)
        return
    _show_plan(plan)
    say(stderr(), "Nothing was deleted: this is what would go.")


def _show_plan(plan: Document) -> None:
    _show_lines(goes=plan["deletes"], stays=plan["stays"])
    for sentence in (*plan["warnings"], *(f"Not now: {why}." for why in plan["hindrances"])):
        say(stderr(), clean(sentence), style="yellow")


def _show_receipt(receipt: Document) -> None:
    _show_lines(deleted=receipt["deleted"], gone=receipt["gone"], stays=receipt["stays"])


def _show_lines(**lines: Iterable[Document]) -> None:
    """What goes, was deleted, was gone already, and stays; each line says which, and whole: it cannot be undone."""
    rows = [(how, _counted(line), _told(line)) for how, of in lines.items() for line in of]
    show_table(stdout(), ("", "COUNT", "WHAT"), rows, wrap=True)


def _told(line: Document) -> str:
    return " – ".join(filter(None, (line["words"], line["reason"])))


def _counted(line: Document) -> str:
    bytes_of = f", {size(line['size'])}" if line["size"] else ""
    return f"{line['count']}{bytes_of}" if line["count"] else ""


def _things(lines: Iterable[Document]) -> str:
    count = sum(line["count"] for line in lines)
    return "1 thing" if count == 1 else f"{count} things"
