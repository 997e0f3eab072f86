"""The OpenAPI document: valid, whole, and true about its own examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.problems import MEDIA_TYPE
from tests.api_operations import Operation, openapi, operations, resolved

OPERATIONS = operations()


def schemas(node: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of the document that has an example."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from schemas(item, f"{path}/{index}")
    elif isinstance(node, dict):
        if isinstance(node.get("examples"), list):
            yield path, node
        for name, item in node.items():
            if name not in ("examples", "example", "default"):
                yield from schemas(item, f"{path}/{name}")


EXAMPLES = dict(schemas(openapi()))


def test_the_document_is_valid_openapi() -> None:
    assert openapi()["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(openapi()).iter_errors()] == []


def test_operations_are_named_like_functions_and_each_name_once() -> None:
    names = [operation.document["operationId"] for operation in OPERATIONS]
    assert len(names) == len(set(names))
    assert {"list_shoots", "create_training", "show_model"} <= set(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_operation_says_what_it_does(operation: Operation) -> None:
    document = operation.document
    assert document["summary"]
    assert document["description"].strip().endswith("."), "one sentence at least"
    assert document["tags"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_operation_says_how_it_answers_well(operation: Operation) -> None:
    good = [answer for status, answer in operation.document["responses"].items() if status.startswith("2")]
    assert good
    assert all(answer["description"] for answer in good)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
@pytest.mark.parametrize("statuses", ["4XX", "5XX"])
def test_every_operation_answers_with_problems_where_it_fails(operation: Operation, statuses: str) -> None:
    problem = operation.document["responses"][statuses]["content"][MEDIA_TYPE]["schema"]
    assert {"type", "title", "status", "detail", "code", "retryable", "remedy"} <= set(problem["required"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_no_operation_promises_an_error_that_is_no_problem(operation: Operation) -> None:
    failures = {status: answer for status, answer in operation.document["responses"].items() if status[0] in "45"}
    assert {status for status, answer in failures.items() if set(answer.get("content", {})) - {MEDIA_TYPE}} == set()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 5


@pytest.mark.parametrize("path", EXAMPLES)
def test_an_example_fits_its_schema(path: str) -> None:
    # the whole document as the schema's own, so that references into its components are found
    schema = {"components": openapi()["components"], **EXAMPLES[path]}
    validator = OAS31Validator(schema, format_checker=oas31_format_checker)
    for example in EXAMPLES[path]["examples"]:
        assert [error.message for error in validator.iter_errors(example)] == []


@pytest.mark.parametrize("operation", [op for op in OPERATIONS if op.body_schema], ids=str)
def test_every_body_is_described(operation: Operation) -> None:
    assert resolved(operation.body_schema or {}).get("description")
