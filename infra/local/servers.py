"""Which processes serve the functions: one host for all of them, or one for each as on Google Cloud."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

FUNCTIONS = ("api", "packager", "submitter", "webhook", "mirror", "monitor", "eraser", "notifier")
_FOLDER = Path(__file__).resolve().parents[2] / "functions"


def source_of(function: str) -> str:
    """The file that functions-framework loads a function from."""
    return str(_FOLDER / function / "main.py")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A process that listens at `url`, and how it is started; `healthz` says whether it can be asked how it is."""

    url: str
    command: tuple[str, ...]
    healthz: bool


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The servers by name, where each function's messages are pushed to, and what the functions must know of it."""

    by_name: Mapping[str, Server]
    endpoints: Mapping[str, str]
    environment: Mapping[str, str]


def one_host(url: str) -> Servers:
    """All functions in one process, with what a cloud does beside them."""
    host = Server(url=url, command=command("infra.local.host", url), healthz=True)
    return Servers(
        by_name={"host": host}, endpoints={name: f"{url}/_push/{name}" for name in FUNCTIONS}, environment={}
    )


def one_for_each(urls: Mapping[str, str]) -> Servers:
    """Each function in a process of its own at its URL, served by functions-framework."""
    servers = {
        name: Server(url=url, command=command("infra.local.function", url, name), healthz=name == "api")
        for name, url in urls.items()
    }
    environment = {"WEBHOOK_URL": f"{urls['webhook']}/webhooks/fal"}
    return Servers(by_name=servers, endpoints=urls, environment=environment)


def command(module: str, url: str, *arguments: str) -> tuple[str, ...]:
    """How a module that serves at `url` is started."""
    return (sys.executable, "-m", module, *arguments, "--port", str(urlsplit(url).port))
