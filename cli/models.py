"""`lora models`: what was trained, and its weights on this machine."""

from __future__ import annotations

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
)

app = typer.Typer(no_args_is_help=True, help="The models that were trained: list, show and download them.")

Document = dict[str, Any]
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
                size(m["size"]),
                ago(m["trained_at"]),
            )
            for m in page["items"]
        ]
        show_table(stdout(), ("ID", "NAME", "TRIGGER", "SIZE", "TRAINED"), rows)
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


@app.command("download", epilog="Example:  lora models download m_2f7c --to ./loras")
def download_model(
    context: typer.Context,
    model_id: ModelId,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", file_okay=False, help="Folder to put it in; by default NAME-vVERSION."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download weights and configuration, and verify them.

    A download that was cut goes on where it stopped when the command is run
    again. Files get their names only once size and sha256 are verified.
    """
    client, console = client_of(context), stderr()
    model = client.get(at("models", model_id))
    folder = to or Path(f"{_as_file_name(model['name'])}-v{model['version']}")
    weights = _download(client, model_id, "weights", folder, console)
    config = _download(client, model_id, "config", folder, console)
    document = {
        "model_id": model["id"],
        "weights": str(weights),
        "config": str(config),
        "sha256": model["sha256"],
    }
    if as_json:
        print_json(document)
    else:
        show_facts(stdout(), f"{model['name']} v{model['version']}", {"weights": weights, "config": config})


def model_facts(model: Document) -> dict[str, object]:
    """A model as names and values for people."""
    weights = model["weights"]
    rank = f", rank {weights['rank']}" if weights.get("rank") else ""
    return {
        "id": model["id"],
        "name": f"{model['name']} v{model['version']}",
        "trigger": model["trigger_word"],
        "weights": f"{size(model['size'])}, {weights['tensors']} tensors{rank}, {weights['dtype']}",
        "trainer": f"{model['trainer']} ({model['service']})",
        "parameters": parameters_line(model["parameters"]),
        "shoot": model["shoot_id"],
        "training": model["training_id"],
        "person": model["person_id"],
        "parent": model.get("parent_model_id"),
        "trained": f"{model['trained_at']} ({ago(model['trained_at'])})",
        "sha256": model["sha256"],
        "weights at": model["lora_uri"],
        "config at": model["config_uri"],
    }


def parameters_line(parameters: Document) -> str:
    """Parameters as they are given to `lora train --param`."""
    return ", ".join(
        f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in parameters.items()
    )


def _download(client: ApiClient, model_id: str, which: str, folder: Path, console: Console) -> Path:
    def signed() -> RemoteFile:
        return RemoteFile.of(client.get(at("models", model_id, "download"))[which])

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
