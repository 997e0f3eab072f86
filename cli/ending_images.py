"""`lora images watch`, `cancel` and `retry`: a set of pictures until its end, and what comes after."""

from __future__ import annotations

import typer

from cli.client import at
from cli.context import client_of
from cli.images import ImagesId, NoWait, Order, agree, show_made
from cli.orders import retry_once
from cli.output import AsJson, clean, print_json, say, stderr, stdout
from cli.quotes import Yes


def watch_images(context: typer.Context, images_id: ImagesId, as_json: AsJson = False) -> None:
    """Watch a set of pictures to its end."""
    client = client_of(context)
    show_made(client, [client.get(at("images", images_id))], no_wait=False, as_json=as_json)


def cancel_images(context: typer.Context, images_id: ImagesId, as_json: AsJson = False) -> None:
    """Stop making pictures, and tell whether that may still cost something."""
    done = client_of(context).post(at("images", images_id, "cancel"), {})
    print_json(done) if as_json else say(stdout(), clean(done["message"]))
    if done["outcome"] == "too_late":
        raise typer.Exit(1)


def retry_images(
    context: typer.Context, images_id: ImagesId, no_wait: NoWait = False, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Fetch paid pictures again, for free, where that failed; else ask for the same ones anew, which costs money.

    On a terminal, the price of new ones is shown and confirmed first.
    Retrying one set twice asks for one new set only.
    """
    client = client_of(context)
    before = client.get(at("images", images_id))
    if not before["recoverable"] and before["status"] in ("failed", "canceled"):
        agree(client, [Order.like(before)], yes=yes, as_json=as_json)
    now = retry_once(client, at("images", images_id, "retry"), listed_by="lora images list")
    if now["id"] == images_id:
        say(stderr(), "The pictures that are paid for are fetched again. That costs nothing.")
    else:
        say(stderr(), f"A new set takes its place: {clean(now['id'])}")
    show_made(client, [now], no_wait=no_wait, as_json=as_json)
