"""Asking for what costs money: a press that is not answered is told as what it may be, and can be made again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from cli.client import ApiClient, ApiProblem, ApiUnreachable, CommandError

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="Name of this press: the same command with the same key asks, and pays, once only. By default a new one.",
    ),
]


class Unanswered(CommandError):
    """Nobody knows whether what costs money was ordered."""

    exit_code = 4

    def __init__(self, url: str, reason: str, hint: str, key: str | None) -> None:
        """Say so; `key` makes a second press the same one, and is None where it is the same anyway."""
        sentence = f"The API at {url} did not answer ({reason}): what was asked for may have been ordered."
        super().__init__("unanswered", sentence, hint)
        self._key = key

    def document(self) -> dict[str, Any]:
        """The error as JSON, with the key."""
        return {**super().document(), "idempotency_key": self._key}


def order_once(
    client: ApiClient, path: str, body: Mapping[str, Any], *, key: str | None, listed_by: str
) -> dict[str, Any]:
    """What was ordered, under `key` or a new one; the client repeats a request that was cut under the same key.

    `Unanswered` where the request went out and no answer came: its hint says which command, `listed_by`, shows whether
    it was ordered, and how to press again without paying twice. A failure of the API itself, 5xx, has the same hint.
    """
    key = key or str(uuid.uuid4())
    with _told(client, f"{listed_by}. Press again without paying twice: the same command with --key {key}", key):
        return client.post(path, body, idempotency_key=key)


def retry_once(client: ApiClient, path: str, *, listed_by: str) -> dict[str, Any]:
    """What a retry came to; it has no key of its own, because of one job there is one retry. Else as `order_once`."""
    with _told(client, f"{listed_by}. Or give the same command again: it does not pay twice.", None):
        return client.post(path)


@contextmanager
def _told(client: ApiClient, how: str, key: str | None) -> Iterator[None]:
    try:
        yield
    except ApiUnreachable as error:
        if not error.was_sent:
            raise
        raise Unanswered(client.url, error.reason, f"See whether it was: {how}", key) from error
    except ApiProblem as problem:
        if problem.status >= 500:
            problem.hint = f"It may have been ordered all the same. See whether it was: {how}"
        raise
