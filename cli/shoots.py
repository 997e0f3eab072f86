"""`lora shoots`: bringing pictures in, and seeing what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client import Misused, at
from cli.context import Limit, client_of
from cli.importing import files_to_import, import_shoot
from cli.output import AsJson, ago, clean, print_json, say, show_facts, show_table, size, stderr, stdout, when
from cli.parameters import TrainerName
from cli.stages import BROKEN, DONE

app = typer.Typer(no_args_is_help=True, help="The shoots: import, list, show and check them.")

Document = dict[str, Any]
ShootId = Annotated[str, typer.Argument(metavar="SHOOT", help="The shoot's id, as `lora shoots list` shows it.")]


@app.command("import", epilog='Example:  lora shoots import ./red-cape --costume "Red cape" --person ada')
def import_folder(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", exists=True, file_okay=False, resolve_path=True, help="Folder with the pictures."
        ),
    ],
    costume: Annotated[str, typer.Option("--costume", help="What is worn.")],
    person: Annotated[str, typer.Option("--person", help="Id of the person who wears it.")],
    as_json: AsJson = False,
) -> None:
    """Import a folder as a shoot: pictures, and captions of the same names.

    Pictures are .jpg, .jpeg, .png and .webp files, captions .txt files.
    Running it again with the same folder, costume and person goes on with
    the same shoot: what is there already, with the same size and checksum,
    is not sent again.
    """
    files = files_to_import(folder)
    if not files:
        raise Misused("no_pictures", f"{folder} has no pictures (jpg, jpeg, png or webp) directly in it.")
    shoot, sent = import_shoot(
        client_of(context), files, folder=folder, costume=costume, person=person, console=stderr()
    )
    if as_json:
        print_json({**shoot, "uploaded": sent, "skipped": len(files) - sent})
        return
    show_facts(stdout(), "Shoot", {**_facts(shoot), "files": f"{sent} sent, {len(files) - sent} there already"})
    say(stderr(), f"Train on it: lora train {clean(shoot['id'])} --trigger WORD --watch")


@app.command("list", epilog="Example:  lora shoots list --search cape")
def list_shoots(
    context: typer.Context,
    search: Annotated[
        str | None,
        typer.Option("--search", metavar="TEXT", help="Only those with this in their costume's name, in any case."),
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the shoots, newest first."""
    page = client_of(context).items("/v1/shoots", limit=limit, search=search)
    if as_json:
        print_json(page)
    elif page["items"]:
        rows = [
            (
                s["id"],
                s["costume_name"],
                s["person_id"],
                s["image_count"],
                s["captioned_count"],
                ago(s["created_at"]),
            )
            for s in page["items"]
        ]
        show_table(stdout(), ("ID", "COSTUME", "PERSON", "PICTURES", "CAPTIONED", "CREATED"), rows)
    elif search is not None:
        say(stderr(), f"No shoot has “{clean(search)}” in its costume's name. See all: lora shoots list")
    else:
        say(stderr(), "No shoots yet. Import one: lora shoots import DIR --costume NAME --person ID")


@app.command("show", epilog="Example:  lora shoots show s_2f7c")
def show_shoot(context: typer.Context, shoot_id: ShootId, as_json: AsJson = False) -> None:
    """Show one shoot with its pictures and captions."""
    shoot = client_of(context).get(at("shoots", shoot_id))
    if as_json:
        print_json(shoot)
        return
    show_facts(stdout(), "Shoot", _facts(shoot))
    if shoot["pictures"]:
        rows = [(p["name"], size(p["size"]), p["caption"]) for p in shoot["pictures"]]
        show_table(stdout(), ("PICTURE", "SIZE", "CAPTION"), rows)


@app.command("report", epilog="Example:  lora shoots report s_2f7c --trigger TOK")
def report(
    context: typer.Context,
    shoot_id: ShootId,
    trigger: Annotated[
        str | None, typer.Option("--trigger", metavar="WORD", help="Also tell which captions lack this word.")
    ] = None,
    trainer: TrainerName = None,
    as_json: AsJson = False,
) -> None:
    """Tell what is wrong with a shoot, and what is worth a look, before anything is paid.

    Every picture and caption is read. Exit code 1 where an error would make
    a training fail; warnings do not.
    """
    found = client_of(context).get(at("shoots", shoot_id, "report"), trigger_word=trigger, trainer=trainer)
    if as_json:
        print_json(found)
    else:
        show_report(found)
    if found["blocking"]:
        raise typer.Exit(1)


def show_report(found: Document) -> None:
    """The dataset's numbers, and its findings, errors first."""
    facts = {
        "shoot": found["shoot_id"],
        "pictures": f"{found['image_count']}, {found['captioned_count']} with a caption, {size(found['bytes'])}",
        **{f"{name} picture": _pixels(found[name]) for name in ("smallest", "median", "largest") if found[name]},
    }
    show_facts(stdout(), "Report", facts)
    findings = sorted(found["findings"], key=lambda finding: finding["severity"] != "error")
    if findings:
        rows = [(f["severity"], f["file"], f["message"]) for f in findings]
        show_table(stdout(), ("SEVERITY", "FILE", "WHAT"), rows, wrap=True)
    errors = sum(finding["severity"] == "error" for finding in findings)
    say(stderr(), _verdict(errors, len(findings) - errors), style="red" if errors else "green")


def _verdict(errors: int, warnings: int) -> str:
    if errors:
        return f"{BROKEN} A training would fail, and cost nothing: {_count(errors, 'error')} to mend first."
    noted = f" {_count(warnings, 'thing')} may be worth a look." if warnings else ""
    return f"{DONE} It can be trained on.{noted}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _pixels(picture: Document) -> str:
    return f"{picture['width']} × {picture['height']}"


def _facts(shoot: Document) -> Document:
    return {
        "id": shoot["id"],
        "costume": shoot["costume_name"],
        "person": shoot["person_id"],
        "pictures": f"{shoot['image_count']}, {shoot['captioned_count']} with a caption",
        "latest model": _model_line(shoot.get("latest_model")),
        "created": when(shoot["created_at"]),
    }


def _model_line(model: Document | None) -> str | None:
    return f"{model['id']} ({model['name']} v{model['version']})" if model else None
