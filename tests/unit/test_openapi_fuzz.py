"""Every operation, with what its schema allows and what it forbids: no 5xx, and no answer that is not described."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api_world import api_world

LOOPBACK = {"host": "localhost"}
# Of what takes a body, which has room for most, and of what does not.
EXAMPLES, EXAMPLES_WITHOUT_BODY = 12, 6
DESCRIBED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The schema of the app that runs in this process; no live stream is endless where there is no training."""
    with api_world(tmp_path_factory.mktemp("fuzz"), RATE_LIMIT_PER_MINUTE="0") as world:
        loaded = schemathesis.openapi.from_asgi("/openapi.json", world.client.app, headers=LOOPBACK)
        yield loaded


@pytest.mark.filterwarnings("ignore")  # schemathesis has some of its own
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
def test_every_answer_to_valid_and_invalid_requests_is_described(schema: Any, mode: GenerationMode) -> None:
    answered = 0
    for operation in (found.ok() for found in schema.get_all_operations()):
        try:
            cases = operation.as_strategy(generation_mode=mode)
        except Unsatisfiable:
            continue

        examples = EXAMPLES if operation.body else EXAMPLES_WITHOUT_BODY

        @given(case=cases)
        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            nonlocal answered
            case.call_and_validate(checks=DESCRIBED, headers=LOOPBACK)
            answered += 1

        with suppress(Unsatisfiable):
            ask()
    assert answered > 50 * EXAMPLES_WITHOUT_BODY
