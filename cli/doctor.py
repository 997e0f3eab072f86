"""`lora doctor`: whether all that the system stands on is there, and what to do where it is not."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.client import ApiClient, ApiProblem
from cli.context import client_of
from cli.output import AsJson, clean, is_decorated, is_lively, print_json, say, stderr, stdout
from cli.stages import BROKEN, DONE

Document = dict[str, Any]

UNKNOWN = "–"
_STYLES = {DONE: "green", BROKEN: "bold red", UNKNOWN: "dim"}


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Look whether settings, database, buckets, messages, addresses and fal.ai are all right; what to do if not.

    ✓ is well, ✗ is not, – cannot be told from there. Exit code 1 where
    something is not well. It is the API that looks, for operators only: on
    one's own machine and behind Identity-Aware Proxy.
    """
    found = _looked(client_of(context))
    if as_json:
        print_json(found)
    else:
        show_checks(found["checks"], stdout())
        say(stderr(), _verdict(found), style="green" if found["ok"] else "red")
    if not found["ok"]:
        raise typer.Exit(1)


def show_checks(checks: list[Document], console: Console) -> None:
    """A line for each, and below it what to do."""
    rows = [(_mark(check["ok"]), clean(check["name"]), *_words(check)) for check in checks]
    if not is_decorated(console):
        width = max(len(name) for _, name, *_ in rows)
        for mark, name, detail, advice in rows:
            say(console, f"{mark} {name.ljust(width)}  {detail}")
            if advice:
                say(console, f"  {' ' * width}  {advice}")
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    for overflow in ("ellipsis", "ellipsis", "fold"):
        grid.add_column(no_wrap=overflow == "ellipsis", overflow="fold" if overflow == "fold" else "ellipsis")
    for mark, name, detail, advice in rows:
        grid.add_row(Text(mark, style=_STYLES[mark]), name, Text(detail))
        if advice:
            grid.add_row("", "", Text(advice, style="yellow"))
    console.print(grid)


def _looked(client: ApiClient) -> Document:
    console = stderr()
    try:
        if not is_lively(console):
            return client.get("/v1/doctor")
        with console.status("Looking at everything at once"):
            return client.get("/v1/doctor")
    except ApiProblem as problem:
        if problem.status == 404:
            problem.hint = "This API has no doctor for you: it exists with AUTH_MODE=local or iap only."
        raise


def _mark(ok: bool | None) -> str:
    return {True: DONE, False: BROKEN, None: UNKNOWN}[ok]


def _words(check: Document) -> tuple[str, str]:
    return clean(check["detail"]), f"→ {clean(check['advice'])}" if check["advice"] else ""


def _verdict(found: Document) -> str:
    wrong = sum(check["ok"] is False for check in found["checks"])
    if not wrong:
        return "Nothing is known to be wrong."
    return f"{wrong} of {len(found['checks'])} are not well."
