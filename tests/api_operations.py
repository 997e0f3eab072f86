"""Everything that the API can be asked, read from its OpenAPI document, so that a new route is tested by itself."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import httpx2
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.api_world import api_world

Document = dict[str, Any]

ANY_NAME = "01.jpg"
"""What stands for a path's parameter that is no id."""


@cache
def openapi() -> Document:
    """The OpenAPI document."""
    with tempfile.TemporaryDirectory() as root, api_world(Path(root)) as world:
        return cast(FastAPI, world.client.app).openapi()


def resolved(schema: Document) -> Document:
    """The schema that a reference means."""
    while "$ref" in schema:
        schema = openapi()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def example_of(schema: Document) -> Any:
    """A value that fits: the schema's own example where it has one, else the least that it asks for."""
    schema = resolved(schema)
    if examples := schema.get("examples"):
        return examples[0]
    if "default" in schema:
        return schema["default"]
    for kind in ("const", "enum"):
        if kind in schema:
            return schema[kind] if kind == "const" else schema[kind][0]
    if options := schema.get("anyOf"):
        return example_of(options[0])
    if schema.get("type") == "object":
        return {name: example_of(schema["properties"][name]) for name in schema.get("required", ())}
    return {"array": [], "integer": 1, "number": 1, "boolean": True}.get(schema.get("type", ""), "x")


@dataclass(frozen=True)
class Operation:
    """A method of a path, and how to ask for it."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def document(self) -> Document:
        """What the OpenAPI document says about it."""
        found: Document = openapi()["paths"][self.path][self.method.lower()]
        return found

    @property
    def body_schema(self) -> Document | None:
        """The schema of its JSON body, None where it takes none."""
        content: dict[str, Document] = self.document.get("requestBody", {}).get("content", {})
        return content["application/json"]["schema"] if "application/json" in content else None

    def ids(self) -> set[str]:
        """The names of the ids that it has to be given, in its path, its query or its body."""
        body = example_of(self.body_schema) if self.body_schema else {}
        names = set(re.findall(r"{(\w+)}", self.path)) | (set(body) if isinstance(body, dict) else set())
        names |= {p["name"] for p in self.document.get("parameters", ()) if p["in"] == "query" and p.get("required")}
        several = {name.removesuffix("s") for name in names if name.endswith("_ids")}
        return several | {name for name in names if name.endswith("_id") and name != "person_id"}

    def ask(self, client: TestClient, ids: Mapping[str, str], headers: Mapping[str, str]) -> httpx2.Response:
        """Ask for it with these ids, also where it would do without them; an id that is not there is a new kind."""
        missing = self.ids() - set(ids)
        assert not missing, f"{self}: say in the tests whose {missing} that is"
        url = re.sub(r"{(\w+)}", lambda found: ids.get(found[1], ANY_NAME), self.path)
        query = {p["name"]: self._query(p, ids) for p in self.document.get("parameters", ()) if self._is_asked(p, ids)}
        sent: dict[str, Any] = {"params": query, "headers": dict(headers)}
        if self.body_schema:
            body = example_of(self.body_schema)
            several = {name: [ids[name.removesuffix("s")]] for name in body if name.endswith("_ids")}
            sent["json"] = {**body, **several, **{name: ids[name] for name in self.ids() & set(body)}}
        elif self.method == "PUT":
            sent["content"] = b"a file"
        return client.request(self.method, url, **sent)

    @staticmethod
    def _is_asked(parameter: Document, ids: Mapping[str, str]) -> bool:
        return parameter["in"] == "query" and (bool(parameter.get("required")) or parameter["name"] in ids)

    @staticmethod
    def _query(parameter: Document, ids: Mapping[str, str]) -> Any:
        return ids.get(parameter["name"]) or example_of(parameter["schema"])


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation of the API."""
    return tuple(Operation(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods)
