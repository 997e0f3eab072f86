"""Cloud Run's services by way of gcloud: revisions and who is sent to them. Nothing else is changed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CANDIDATE = "candidate"
PREVIOUS = "previous"


class DeliveryError(Exception):
    """Why the delivery cannot go on, and what to do; for the person at the terminal."""


def run_gcloud(words: Sequence[str]) -> str:
    """What `gcloud WORDS` prints; `DeliveryError` with its own reason where it fails."""
    try:
        done = subprocess.run(["gcloud", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DeliveryError("gcloud is not installed: see https://cloud.google.com/sdk/docs/install") from error
    if done.returncode:
        raise DeliveryError(f"gcloud {' '.join(words[:3])} failed: {done.stderr.strip()[-1000:]}")
    return done.stdout


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as it is: its address, the revision that everybody is sent to, and the revisions that have a tag.

    `serving` is None where no single revision has all the traffic, as before the first release.
    """

    name: str
    url: str
    serving: str | None
    tagged: Mapping[str, str] = field(default_factory=dict)
    tagged_urls: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CloudRun:
    """The services of one project and region, whose names begin with `prefix`; `gcloud` runs a command of gcloud's."""

    project: str
    region: str
    prefix: str = "lora"
    gcloud: Callable[[Sequence[str]], str] = field(default=run_gcloud)

    def deploy(self, function: str, image: str) -> None:
        """A new revision of the function's service, tagged as the candidate, that nobody is sent to.

        It has come up when this returns: Cloud Run waits until it listens.
        """
        name = self._name(function)
        self._gcloud("deploy", name, f"--image={image}", "--no-traffic", f"--tag={CANDIDATE}")

    def service(self, function: str) -> Service:
        """The function's service as it is now."""
        name = self._name(function)
        return described(name, json.loads(self._gcloud("services", "describe", name, "--format=json")))

    def send_everybody_to(self, function: str, revision: str, *, before: str | None = None) -> None:
        """All traffic to `revision`; `before`, where there was one, is tagged as the previous one."""
        flags = [f"--update-tags={PREVIOUS}={before}"] if before else []
        self._gcloud("services", "update-traffic", self._name(function), f"--to-revisions={revision}=100", *flags)

    def _name(self, function: str) -> str:
        return f"{self.prefix}-{function}"

    def _gcloud(self, *words: str) -> str:
        return self.gcloud(["run", *words, f"--project={self.project}", f"--region={self.region}", "--quiet"])


def described(name: str, document: Mapping[str, Any]) -> Service:
    """What `gcloud run services describe --format=json` says of a service."""
    status = document["status"]
    targets = status.get("traffic", [])
    tagged = [target for target in targets if target.get("tag")]
    whole = [target["revisionName"] for target in targets if target.get("percent") == 100]
    (container, *_) = document["spec"]["template"]["spec"]["containers"]
    return Service(
        name=name,
        url=status["url"],
        serving=whole[0] if whole else None,
        tagged={target["tag"]: target["revisionName"] for target in tagged},
        tagged_urls={target["tag"]: target["url"] for target in tagged if target.get("url")},
        environment={variable["name"]: variable.get("value", "") for variable in container.get("env", [])},
    )
