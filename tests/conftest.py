"""What holds for all tests: how long an example takes says nothing about whether it is right; who runs which."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

# stacks of processes and emulators: each is started by one worker, which gets the tests of all files that look at it
DEAR = re.compile(
    r"""(?P<storm>tests/pipeline/test_chaos\.py.*\[\w+\])
    |(?P<embedded_stack>tests/pipeline/.*\[embedded\b)
    |(?P<emulators_stack>tests/pipeline/.*\[emulators\b)
    |(?P<emulators>tests/contracts/.*(google|firestore|on_the_wire|training_views))""",
    re.VERBOSE,
)


def world_of(nodeid: str) -> str:
    """Tests with the same world go to the same worker; mostly it is the file."""
    dear = DEAR.match(nodeid)
    name = dear.lastgroup if dear else None
    return nodeid if name == "storm" else name or nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand the tests out by their worlds."""
    from xdist.scheduler import LoadFileScheduling

    class LoadWorldScheduling(LoadFileScheduling):  # type: ignore[misc]  # pytest-xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return world_of(nodeid)

    return LoadWorldScheduling(config, log)
