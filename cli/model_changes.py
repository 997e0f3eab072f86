"""`lora models rename`: what can be changed about a model."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.client import at
from cli.context import client_of
from cli.models import ModelId
from cli.output import AsJson, clean, print_json, say, stdout


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
