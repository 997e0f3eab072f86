"""Asking the API as somebody, and looking at how it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx2
from fastapi import FastAPI

from tests.api_world import ApiWorld, api_world
from tests.google_identity import FIREBASE, key_server

NEW_SHOOT = {"costume_name": "Cape", "person_id": "p"}


@contextmanager
def signed_in(root: Path, **settings: str) -> Iterator[tuple[ApiWorld, dict[str, str]]]:
    """The API with Firebase, and the headers of a user."""
    with key_server() as keys, api_world(root, **{**keys.environment, "AUTH_MODE": "firebase", **settings}) as world:
        yield world, FIREBASE.headers(FIREBASE.token())


def with_route(world: ApiWorld, route: Callable[..., Any]) -> ApiWorld:
    """The world with one more route, `/extra`."""
    cast(FastAPI, world.client.app).add_api_route("/extra", route, response_model=None)
    return world


def crash() -> None:
    """A route with a mistake."""
    raise KeyError("a secret of Anna's")


def is_problem(answer: httpx2.Response, status: int, code: str) -> bool:
    """Whether it is a whole problem document."""
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "retryable", "remedy", "instance"} <= set(body)
    assert answer.headers["content-type"] == "application/problem+json"
    return (answer.status_code, body["status"], body["code"]) == (status, status, code)
