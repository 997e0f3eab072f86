"""Trainers and their parameters on the command line: read by the JSON Schemas of the API, and by those alone."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from cli.client import ApiClient
from shared.trainers import PREPROCESSED

Document = dict[str, Any]

Steps = Annotated[int | None, typer.Option("--steps", min=1, help="How long to train; the price is linear in it.")]
TrainerName = Annotated[str | None, typer.Option("--trainer", help="The trainer, as `lora trainers list` names it.")]
PresetName = Annotated[
    str | None,
    typer.Option("--preset", help="What to learn, such as person, costume or style: `lora trainers show NAME`."),
]
Given = Annotated[
    list[str] | None,
    typer.Option("--set", "--param", metavar="NAME=VALUE", help="A parameter of the trainer; repeatable."),
]

_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def parameters_of(
    client: ApiClient,
    trainer: str | None,
    given: list[str],
    *,
    steps: int | None = None,
    not_preprocessed: bool = False,
) -> Document:
    """The parameters from the command line, each read as the trainer's schema has it.

    What the trainer does not have, or cannot take, is sent all the same: the API says what is wrong with it.
    """
    named = pairs(given, "--set", "NAME=VALUE")
    schema = schema_of(client, trainer) if named else {}
    parameters: Document = {name: _read(text, schema.get(name, {})) for name, text in named.items()}
    if steps is not None:
        parameters["steps"] = steps
    if not_preprocessed:
        parameters[PREPROCESSED] = False
    return parameters


def schema_of(client: ApiClient, trainer: str | None) -> Document:
    """The schema of each parameter by its name; empty for a trainer that there is not."""
    found = find_trainer(client.get("/v1/trainers")["items"], trainer)
    return dict(found["parameters"]["properties"]) if found else {}


def find_trainer(trainers: list[Document], name: str | None) -> Document | None:
    """The trainer of that name or endpoint, the default one without a name, None where there is none."""
    if name is None:
        return next((trainer for trainer in trainers if trainer["default"]), None)
    return next((trainer for trainer in trainers if name in (trainer["name"], trainer["endpoint"])), None)


def pairs(given: list[str], option: str, shape: str) -> dict[str, str]:
    """What was given as NAME=VALUE, by name; the last of a name counts."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is not {shape}", param_hint=option)
        found[name] = value
    return found


def parameters_line(parameters: Document) -> str:
    """Parameters as they are given to `lora train --set`."""
    return ", ".join(f"{name}={value_as_given(value)}" for name, value in parameters.items())


def value_as_given(value: object) -> str:
    """A parameter's value as it is written on the command line."""
    return value if isinstance(value, str) else json.dumps(value)


def _read(text: str, schema: Document) -> Any:
    if schema.get("type") == "string":
        return text
    if schema.get("type") == "boolean" and text.lower() in _FLAGS:
        return _FLAGS[text.lower()]
    try:
        return json.loads(text)
    except ValueError:
        return text
