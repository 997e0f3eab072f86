"""`lora shoots`: bringing pictures in, and seeing what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client import Misused, at
from cli.context import Limit, client_of
from cli.importing import files_to_import, import_shoot
from cli.output import AsJson, ago, clean, print_json, say, show_facts, show_table, size, stderr, stdout

app = typer.Typer(no_args_is_help=True, help="The shoots: import, list and show them.")

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


@app.command("list", epilog="Example:  lora shoots list --json")
def list_shoots(context: typer.Context, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List the shoots, newest first."""
    page = client_of(context).items("/v1/shoots", limit=limit)
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


def _facts(shoot: Document) -> Document:
    return {
        "id": shoot["id"],
        "costume": shoot["costume_name"],
        "person": shoot["person_id"],
        "pictures": f"{shoot['image_count']}, {shoot['captioned_count']} with a caption",
        "created": f"{shoot['created_at']} ({ago(shoot['created_at'])})",
    }
