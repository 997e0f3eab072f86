"""What `lora train` needs where it trains a model again: its options, and what is sent for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.client import ApiClient, at

Document = dict[str, Any]

FromModel = Annotated[
    str | None,
    typer.Option(
        "--from-model", metavar="MODEL", help="Train this model again, as its next version; instead of SHOOT."
    ),
]
GoesOn = Annotated[
    bool, typer.Option("--continue", help="Begin with the weights of --from-model, where its trainer can.")
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="STEM", help="Leave the picture STEM.jpg out of this training; repeatable."),
]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is sent where, and what a price is asked for: the trainer with its parameters."""

    path: str
    body: Document
    trainer: str | None
    parameters: Document


def trainer_of(client: ApiClient, from_model: str | None, trainer: str | None) -> str | None:
    """The trainer that is named, else that of the model that is trained again."""
    if trainer is not None or from_model is None:
        return trainer
    return str(client.get(at("models", from_model))["trainer"])


def order_again(client: ApiClient, model_id: str, wanted: Document, *, goes_on: bool) -> Order:
    """Train the model again; the API knows what is not said. `typer.BadParameter` for what stays as it is."""
    for name, option in (("shoot_id", "SHOOT"), ("model_name", "--name")):
        if wanted[name] is not None:
            raise typer.BadParameter(f"{option} stays what it is for the model: leave it out.", param_hint=option)
    parent = client.get(at("models", model_id))
    same = wanted["trainer"] in (None, parent["trainer"], parent["trainer"].removeprefix("fal-ai/"))
    before = parent["parameters"] if same else {}
    body = {**wanted, "continue_weights": goes_on or None}
    del body["shoot_id"], body["model_name"]
    return Order(
        path=at("models", model_id, "retrain"),
        body=body,
        trainer=wanted["trainer"] or parent["trainer"],
        parameters={**before, **wanted["parameters"]},
    )


def order_anew(wanted: Document, *, goes_on: bool) -> Order:
    """Train the shoot; `typer.BadParameter` where it or the trigger word is missing."""
    if goes_on:
        raise typer.BadParameter("It needs the model to continue: --from-model MODEL.", param_hint="--continue")
    if wanted["shoot_id"] is None:
        raise typer.BadParameter("Name the shoot to train, or a model with --from-model.", param_hint="SHOOT")
    if wanted["trigger_word"] is None:
        raise typer.BadParameter("Missing option: the word that calls the result.", param_hint="--trigger")
    return Order(path="/v1/trainings", body=wanted, trainer=wanted["trainer"], parameters=wanted["parameters"])
