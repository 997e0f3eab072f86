"""The API in this process on the embedded backend: the real app with its real adapters in a directory of its own.

    with api_world(tmp_path) as world:
        world.shoots.create(a_shoot(owner_id=world.user))
        assert world.client.get("/v1/shoots").json()["items"]

Settings are read from the environment, once: so it is set first, and what was built before is forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fastapi.testclient import TestClient

from functions.api.app import create_app
from infra.local.objects_app import create_objects_app
from shared import bootstrap
from shared.ports import ImageJobRepository, ModelRepository, Objects, ShootRepository, TrainingRepository
from shared.shoots import preprocessed_prefix

USER = "anna"
PUBLIC_URL = "http://127.0.0.1:1"

# What the machine itself needs; everything else that is set outside would make one machine's tests different.
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL")


@dataclass(frozen=True)
class ApiWorld:
    """The running app: a client of it as `user`, another one of its signed URLs, and what it stores things in."""

    client: TestClient
    objects_client: TestClient
    user: str
    data_dir: Path
    shoots: ShootRepository
    trainings: TrainingRepository
    models: ModelRepository
    images: ImageJobRepository
    pictures: Objects
    kept: Objects

    def put(self, shoot_id: str, name: str, content: bytes) -> None:
        """A file of a shoot, as the app's preprocessing writes it."""
        self.pictures.write(f"{preprocessed_prefix(shoot_id)}{name}", [content], content_type="image/jpeg")

    def fetch(self, signed_url: str) -> bytes:
        """What lies behind a signed URL; fails where it is not signed for now."""
        parts = urlsplit(signed_url)
        answer = self.objects_client.get(f"{parts.path}?{parts.query}")
        assert answer.status_code == 200, answer.text
        return answer.content


@contextmanager
def api_world(root: Path, *, user: str = USER, **environment: str) -> Iterator[ApiWorld]:
    """The app as it starts with `environment` on top of `BACKEND=embedded AUTH_MODE=local`, on the empty `root`.

    What `create_app` raises passes through. Not to be nested: there is one environment per process.
    """
    data_dir = root / "data"
    local = {
        "BACKEND": "embedded",
        "AUTH_MODE": "local",
        "DATA_DIR": str(data_dir),
        "PUBLIC_URL": PUBLIC_URL,
        "LOCAL_USER": user,
        # the doctor asks at fal.ai's addresses, and no test may ask the real one
        **{name: PUBLIC_URL for name in ("FAL_QUEUE_URL", "FAL_API_URL", "FAL_JWKS_URL")},
    }
    with _environment({**local, **environment}), _nothing_built_before():
        objects_app = create_objects_app(data_dir / "objects", bootstrap.url_signer())
        # the API answers at loopback names only, and TestClient's own name is none
        with TestClient(create_app(), base_url="http://localhost") as client, TestClient(objects_app) as objects_client:
            yield ApiWorld(
                client=client,
                objects_client=objects_client,
                user=user,
                data_dir=data_dir,
                shoots=bootstrap.shoots(),
                trainings=bootstrap.trainings(),
                models=bootstrap.models(),
                images=bootstrap.images(),
                pictures=bootstrap.shoots_bucket(),
                kept=bootstrap.models_bucket(),
            )


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    _replace_environment({**{name: before[name] for name in _KEPT if name in before}, **variables})
    try:
        yield
    finally:
        _replace_environment(before)


def _replace_environment(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)


@contextmanager
def _nothing_built_before() -> Iterator[None]:
    _forget()
    try:
        yield
    finally:
        if bootstrap._database.cache_info().currsize:
            bootstrap._database().close()
        _forget()


def _forget() -> None:
    built: Iterable[object] = vars(bootstrap).values()
    for cached in built:
        if clear := getattr(cached, "cache_clear", None):
            clear()
