"""What every command shares: the client that the root options made, the size of listings, and whether to ask."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli.client import ApiClient

Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Show at most this many, newest first.")]


def client_of(context: typer.Context) -> ApiClient:
    """The client for the API that --url and --token name."""
    client = context.find_object(ApiClient)
    if client is None:
        raise RuntimeError("the root command makes the client")
    return client


def can_ask(*, as_json: bool) -> bool:
    """Whether somebody sits there who can be asked: never a script, a pipe, or whoever wants JSON."""
    return not as_json and sys.stdin.isatty() and sys.stderr.isatty()
