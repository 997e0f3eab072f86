"""`lora models`: what was trained, and its weights on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.client import ApiClient, Misused, at
from cli.context import Limit, client_of
from cli.download import RemoteFile, fetch, is_here
from cli.output import (
    AsJson,
    ago,
    clean,
    print_json,
    say,
    show_facts,
    show_table,
    size,
    stderr,
    stdout,
    transfer,
    usd,
    when,
)
from cli.parameters import parameters_line

app = typer.Typer(
    no_args_is_help=True,
    help="The models that were trained: list, show, compare, promote, rename and download them.",
)

Document = dict[str, Any]


class What(StrEnum):
    """What of a model is downloaded."""

    WEIGHTS = "weights"
    CONFIG = "config"
    ALL = "all"


ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="The model's id, as `lora models list` shows it.")]


@app.command("list", epilog="Example:  lora models list --limit 5")
def list_models(context: typer.Context, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List the models, newest first."""
    page = client_of(context).items("/v1/models", limit=limit)
    if as_json:
        print_json(page)
    elif page["items"]:
        rows = [
            (
                m["id"],
                f"{m['name']} v{m['version']}",
                m["trigger_word"],
                size(sum(file["size"] for file in m["files"])),
                ago(m["trained_at"]),
                m.get("title"),
            )
            for m in page["items"]
        ]
        show_table(stdout(), ("ID", "NAME", "TRIGGER", "SIZE", "TRAINED", "TITLE"), rows)
    else:
        say(stderr(), "No models yet. Train one: lora train SHOOT --trigger WORD")


@app.command("show", epilog="Example:  lora models show m_2f7c --json")
def show_model(context: typer.Context, model_id: ModelId, as_json: AsJson = False) -> None:
    """Show one model: its weights, what it was trained with, and where it is kept."""
    model = client_of(context).get(at("models", model_id))
    if as_json:
        print_json(model)
    else:
        show_facts(stdout(), "Model", model_facts(model))


@app.command("versions", epilog="Example:  lora models versions m_2f7c")
def list_versions(context: typer.Context, model_id: ModelId, as_json: AsJson = False) -> None:
    """List every version of a model's name, the newest first, with what differs between them."""
    found = client_of(context).get(at("models", model_id, "versions"))
    if as_json:
        print_json(found)
        return
    differing = _differing([m["parameters"] for m in found["items"]])
    rows = [
        (
            m["id"],
            f"{m['name']} v{m['version']}{' (current)' if m['id'] == found.get('current_model_id') else ''}",
            m["trigger_word"],
            parameters_line({name: m["parameters"].get(name) for name in differing}),
            ago(m["trained_at"]),
            m.get("title"),
        )
        for m in found["items"]
    ]
    show_table(stdout(), ("ID", "NAME", "TRIGGER", "DIFFERS IN", "TRAINED", "TITLE"), rows)


@app.command("download", epilog="Example:  lora models download m_2f7c --to ./loras --what weights")
def download_model(
    context: typer.Context,
    model_id: ModelId,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", file_okay=False, help="Folder to put it in; by default NAME-vVERSION."),
    ] = None,
    what: Annotated[What, typer.Option("--what", help="Which of its files.")] = What.ALL,
    as_json: AsJson = False,
) -> None:
    """Download weights, all files of them, and configuration, and verify them.

    A download that was cut goes on where it stopped when the command is run
    again. Files get their names only once size and sha256 are verified.
    """
    client, console = client_of(context), stderr()
    model = client.get(at("models", model_id))
    folder = to or Path(f"{_as_file_name(model['name'])}-v{model['version']}")
    paths: dict[str, str] = {}
    if what is not What.CONFIG:
        for index, file in enumerate(model["files"]):
            paths[_weights(file)] = str(_download(client, model_id, partial(_nth_file, index), folder, console))
    if what is not What.WEIGHTS:
        paths["config"] = str(_download(client, model_id, itemgetter("config"), folder, console))
    if as_json:
        print_json({"model_id": model["id"], **_downloaded(model, paths)})
    else:
        show_facts(stdout(), f"{model['name']} v{model['version']}", paths)


def model_facts(model: Document) -> dict[str, object]:
    """A model as names and values for people."""
    return {
        "id": model["id"],
        "name": f"{model['name']} v{model['version']}",
        "title": model.get("title"),
        "trigger": model["trigger_word"],
        **{_weights(file): _weights_line(file) for file in model["files"]},
        "trainer": f"{model['trainer']} ({model['service']})",
        "parameters": parameters_line(model["parameters"]),
        "shoot": model["shoot_id"],
        "training": model["training_id"],
        "person": model["person_id"],
        "continues" if model.get("continues") else "trained again from": model.get("parent_model_id"),
        "trained": when(model["trained_at"]),
        "cost": usd(model["cost_usd"]) if model.get("cost_usd") is not None else None,
        **{f"sha256 {file['part']}".strip(): file["sha256"] for file in model["files"]},
        **{f"{_weights(file)} at": file["uri"] for file in model["files"]},
        "config at": model["config_uri"],
    }


def _weights(file: Document) -> str:
    """What a file of weights is called beside the others of its model."""
    return f"weights {file['part']}".strip()


def _weights_line(file: Document) -> str:
    weights = file["weights"]
    rank = f", rank {weights['rank']}" if weights.get("rank") else ""
    return f"{size(file['size'])}, {weights['tensors']} tensors{rank}, {weights['dtype']}"


def _downloaded(model: Document, paths: dict[str, str]) -> Document:
    """Where the files are now; `weights` and `sha256` are of the first one, `files` are all of them."""
    files = [
        {"part": file["part"], "path": paths[_weights(file)], "sha256": file["sha256"]}
        for file in model["files"]
        if _weights(file) in paths
    ]
    first = {"weights": files[0]["path"], "sha256": files[0]["sha256"], "files": files} if files else {}
    return {**first, **({"config": paths["config"]} if "config" in paths else {})}


def _nth_file(index: int, download: Document) -> Document:
    found: Document = download["files"][index]
    return found


def _differing(parameters: Sequence[Document]) -> list[str]:
    """The names of the parameters that are not the same everywhere."""
    names = dict.fromkeys(name for given in parameters for name in given)
    return [name for name in names if any(given.get(name) != parameters[0].get(name) for given in parameters)]


def _download(
    client: ApiClient, model_id: str, of: Callable[[Document], Document], folder: Path, console: Console
) -> Path:
    """The path of the file that `of` takes from the answer with the signed URLs."""

    def signed() -> RemoteFile:
        return RemoteFile.of(of(client.get(at("models", model_id, "download"))))

    file = signed()
    path = folder / file.name
    if is_here(file, folder):
        say(console, f"{clean(file.name)} is here already.")
        return path
    if file.sha256 is not None and path.exists():
        raise Misused("file_exists", f"{path} is another file already.", "Choose another folder with --to.")
    if file.size is None:
        return fetch(file, folder, on_bytes=lambda done: None, fresh=signed)
    with transfer(console, file.name, file.size) as on_bytes:
        return fetch(file, folder, on_bytes=on_bytes, fresh=signed)


def _as_file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in text).strip(".") or "model"
