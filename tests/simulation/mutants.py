"""Plays every mutation until a rule is broken, each in a process of its own; prints a JSON line for each.

`python -m tests.simulation.mutants [NAME …]`. The product must not be imported here: each child imports its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator

import google_crc32c  # noqa: F401 - what takes long to import is imported once, before the children are forked
import greenlet  # noqa: F401
import httpx  # noqa: F401
import pydantic_settings  # noqa: F401
from PIL import Image, JpegImagePlugin  # noqa: F401

from tests.simulation.mutations import MUTATIONS, Mutation, install

SEEDS = 300


def search(mutation: Mutation) -> dict[str, object]:
    """The first seed that finds the mutation and what it says; a seed of None where none does."""
    install(mutation)
    from tests.simulation.rules import violations
    from tests.simulation.simulation import simulate

    for seed in (mutation.hint, *range(SEEDS)):
        if found := violations(simulate(seed)):
            return {"name": mutation.name, "seed": seed, "says": found[0]}
    return {"name": mutation.name, "seed": None, "says": ""}


def search_all(mutations: Iterable[Mutation]) -> Iterator[str]:
    """A JSON line for every mutation, as many at a time as there are processors."""
    waiting = list(mutations)
    running: dict[int, int] = {}
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            reader, pid = _fork(waiting.pop(0))
            running[pid] = reader
        pid, status = os.wait()
        with os.fdopen(running.pop(pid)) as lines:
            yield lines.read() or json.dumps({"name": "?", "seed": None, "says": f"a child ended with {status}"})


def _fork(mutation: Mutation) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return reader, pid
    code = 1
    try:
        os.close(reader)
        with os.fdopen(writer, "w") as out:
            out.write(json.dumps(search(mutation)))
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    wanted = set(sys.argv[1:])
    for line in search_all([m for m in MUTATIONS if not wanted or m.name in wanted]):
        print(line, flush=True)  # noqa: T201 - the answer to whoever started this
