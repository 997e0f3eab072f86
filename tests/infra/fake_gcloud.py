"""`gcloud run` as far as a release needs it.

What it promises of Cloud Run: a revision that is deployed without traffic gets none; a tag points to one revision and
has an address; traffic goes where it was sent last; what is unknown is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.delivery.cloud_run import DeliveryError

PLACE = ["--project=costumes", "--region=europe-west1", "--quiet"]


@dataclass
class FakeService:
    """A service with its first revision, which everybody is sent to."""

    name: str
    url: str
    environment: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    serving: str = ""

    def __post_init__(self) -> None:
        self.serving = self.add("the image before")

    def add(self, image: str) -> str:
        """A new revision; its name."""
        revision = f"{self.name}-{len(self.revisions) + 1:05}"
        self.revisions[revision] = image
        return revision

    def shown(self) -> dict[str, Any]:
        """As `describe --format=json` shows it."""
        traffic: list[dict[str, Any]] = [{"percent": 100, "revisionName": self.serving}]
        traffic += [{"tag": tag, "revisionName": name, "url": self.url} for tag, name in self.tags.items()]
        container = {"env": [{"name": name, "value": value} for name, value in self.environment.items()]}
        return {
            "spec": {"template": {"spec": {"containers": [container]}}},
            "status": {"url": self.url, "traffic": traffic},
        }


class FakeGcloud:
    """The services of one project and region; called with the words of a command as gcloud would be."""

    def __init__(self, services: Iterable[FakeService]) -> None:
        self.services = {service.name: service for service in services}
        self.calls: list[list[str]] = []
        self.does_not_start: set[str] = set()

    def __call__(self, words: Sequence[str]) -> str:
        assert list(words[-3:]) == PLACE
        flags = dict(word[2:].partition("=")[::2] for word in words if word.startswith("--"))
        *command, name = [word for word in words if not word.startswith("--")]
        if name not in self.services:
            raise DeliveryError(f"gcloud {command} failed: Cannot find service [{name}]")
        self.calls.append([*command[1:], name])
        return self._run(command, self.services[name], flags)

    def _run(self, command: list[str], service: FakeService, flags: dict[str, str]) -> str:
        match command:
            case ["run", "deploy"]:
                if service.name in self.does_not_start:
                    raise DeliveryError(f"gcloud run deploy {service.name} failed: the container failed to start")
                assert "no-traffic" in flags, "a release is never deployed to everybody"
                service.tags[flags["tag"]] = service.add(flags["image"])
            case ["run", "services", "update-traffic"]:
                revision, _, percent = flags["to-revisions"].partition("=")
                assert revision in service.revisions and percent == "100"
                if "update-tags" in flags:
                    tag, _, target = flags["update-tags"].partition("=")
                    service.tags[tag] = target
                service.serving = revision
            case ["run", "services", "describe"]:
                return json.dumps(service.shown())
            case _:
                raise AssertionError(f"gcloud has no {command}")
        return ""
