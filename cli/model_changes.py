"""`lora models rename` and `lora models delete`: what can be changed about a model."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from cli.client import ApiClient, ApiProblem, Misused, at
from cli.context import can_ask, client_of
from cli.models import ModelId, model_facts
from cli.output import AsJson, clean, print_json, say, show_facts, stderr, stdout

Document = dict[str, Any]

_TO_RECOGNIZE = ("id", "name", "title", "trigger", "weights", "shoot", "trained", "weights at")


def rename_model(
    context: typer.Context,
    model_id: ModelId,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What it is to be called.")],
    as_json: AsJson = False,
) -> None:
    """Give a model a title. Its name and version, which are in its files' names, stay."""
    model = client_of(context).patch(at("models", model_id), {"title": title})
    if as_json:
        print_json(model)
    else:
        say(stdout(), f"{clean(model['name'])} v{model['version']} is called “{clean(model['title'])}” now.")


def delete_model(
    context: typer.Context,
    model_id: ModelId,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="NAME", help="The model's name, to delete it without a question.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Delete weights, configuration and document of a model, for good. On a terminal its name is asked for."""
    client = client_of(context)
    model = client.get(at("models", model_id))
    name = _confirmed_name(model, as_json=as_json) if confirm is None else confirm
    _delete(client, model_id, name)
    if as_json:
        print_json({"id": model["id"], "deleted": True})
    else:
        say(stdout(), f"{clean(model['name'])} v{model['version']} is deleted.")


def _confirmed_name(model: Document, *, as_json: bool) -> str:
    if not can_ask(as_json=as_json):
        raise Misused(
            "not_confirmed",
            "Deleting is for good and has to be confirmed with the model's name.",
            f"Say so: lora models delete {clean(model['id'])} --confirm {shlex.quote(clean(model['name']))}",
        )
    facts = {name: fact for name, fact in model_facts(model).items() if name in _TO_RECOGNIZE}
    show_facts(stderr(), "To be deleted for good", facts, style="red")
    typed = typer.prompt(
        f"Type its name, {clean(model['name'])}, to delete it", err=True, default="", show_default=False
    )
    if typed.strip() != model["name"]:
        say(stderr(), "That is not its name. Nothing was deleted.")
        raise typer.Exit(1)
    return str(model["name"])


def _delete(client: ApiClient, model_id: str, name: str) -> None:
    try:
        client.delete(at("models", model_id), confirm=name)
    except ApiProblem as problem:
        # it was there a moment ago: the answer to our first try got lost, or somebody else was faster
        if problem.code != "model_not_found":
            raise
