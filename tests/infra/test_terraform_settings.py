"""Every setting of shared/settings can be set by Terraform, by its name and type, and nothing else can."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import pytest
from annotated_types import Le

from infra.local.env_example import names
from shared import settings
from shared.environment import Group
from tests.infra.terraform import GCP, functions, local_value, variables

# Settings that no deployment has, and why.
LOCAL_ONLY: Mapping[str, str] = {
    "DATA_DIR": "the embedded backend's folder",
    "FIRESTORE_EMULATOR_HOST": "an emulator's address",
    "PUBSUB_EMULATOR_HOST": "an emulator's address",
    "STORAGE_EMULATOR_HOST": "an emulator's address",
    "PUBLIC_URL": "of one host for everything; a deployment has WEBHOOK_URL, and Cloud Storage signs its own addresses",
    "SIGNING_ACCOUNT": "a service signs as the account that it runs as",
    "LOCAL_USER": "of AUTH_MODE=local, which believes everybody",
    "FIREBASE_CERTS_URL": "only tests set it",
    "IAP_CERTS_URL": "only tests set it",
}
SECRET = {"FAL_KEY", "NOTIFY_SECRET"}

TYPES = {int: "number", float: "number", bool: "bool", str: "string"}
CLOUD_RUN_REQUEST_BYTES = 32 << 20


def groups() -> dict[str, type[Group]]:
    """The groups of settings by the names that Terraform has for them."""
    return {group.__name__.removesuffix("Settings").lower(): group for group in settings.GROUPS}


def declared() -> dict[str, dict[str, str]]:
    """The attributes of `var.settings` with their types, as written, by group."""
    text = variables(GCP)["settings"]["type"]
    parts = re.findall(r"(\w+) = optional\(object\(\{(.*?)\}\), \{\}\)", text)
    attribute = r"(\w+) = optional\((list\(string\)|\w+)(?:, ([^),]+))?\)"
    return {group: {name: kind for name, kind, _ in re.findall(attribute, body)} for group, body in parts}


def defaults() -> dict[str, str]:
    """The attributes of `var.settings` that are not null by default."""
    text = variables(GCP)["settings"]["type"]
    return dict(re.findall(r"(\w+) = optional\(\w+, ([^)]+)\)", text.replace('"', "")))


def wired() -> dict[str, list[str]]:
    """What environment.tf derives, by group."""
    return {group: list(values) for group, values in local_value("wired").items()}


def type_of(annotation: Any) -> str:
    if get_origin(annotation) is tuple or tuple in [get_origin(arg) for arg in get_args(annotation)]:
        return "list(string)"
    return next((name for kind, name in TYPES.items() if annotation is kind), "string")


def test_every_setting_has_its_attribute_and_every_attribute_its_setting() -> None:
    attributes, derived = declared(), wired()
    for group, kind in groups().items():
        expected = {name for name, _ in names(kind)} - set(LOCAL_ONLY) - SECRET
        told = [*attributes.get(group, {}), *derived.get(group, [])]
        advice = f"name it in var.settings.{group} (infra/gcp/settings.tf), or here in LOCAL_ONLY with the reason"
        assert {name.upper() for name in told} == expected, advice
        assert len(told) == len(set(told)), f"{group}: both derived and set"
    assert set(attributes) | set(derived) == set(groups())


def test_every_attribute_has_the_type_of_its_setting() -> None:
    attributes = declared()
    for group, kind in groups().items():
        for name, field in names(kind):
            if name.lower() in attributes.get(group, {}):
                assert attributes[group][name.lower()] == type_of(field.annotation), name


def test_what_is_local_only_is_a_setting() -> None:
    known = {name for kind in groups().values() for name, _ in names(kind)}
    assert set(LOCAL_ONLY) | SECRET <= known


def test_no_default_is_written_twice_but_the_ones_that_differ_with_reason() -> None:
    assert defaults() == {
        "max_image_bytes": str(30 << 20),
        "max_delivery_attempts": str(settings.DeliverySettings.model_fields["max_delivery_attempts"].default),
        "auth_mode": settings.AuthMode.FIREBASE.value,
        "shoot_import": "false",
    }


def test_a_picture_that_is_accepted_can_be_uploaded() -> None:
    assert int(defaults()["max_image_bytes"]) < CLOUD_RUN_REQUEST_BYTES
    (allowed,) = re.findall(r"max_image_bytes <= (\d+)", validations())
    assert int(allowed) <= CLOUD_RUN_REQUEST_BYTES - (1 << 20), "headers need room, too"


def test_live_streams_leave_room_for_other_requests() -> None:
    """On Cloud Run an open stream is a request under way."""
    assert functions()["api"]["concurrency"] >= settings.ApiSettings.model_fields["events_streams"].default + 40


@pytest.mark.parametrize(
    ("group", "name"),
    [
        (group, name)
        for group, kind in groups().items()
        for name, field in kind.model_fields.items()
        if any(isinstance(limit, Le) for limit in field.metadata)
    ],
)
def test_a_setting_with_a_limit_is_refused_by_terraform_beyond_it(group: str, name: str) -> None:
    (limit,) = (bound.le for bound in groups()[group].model_fields[name].metadata if isinstance(bound, Le))
    (condition,) = [c for c in conditions() if f"var.settings.{group}.{name}" in c and f"<= {limit}" in c]
    assert condition


def test_the_secrets_come_from_secret_manager_alone() -> None:
    assert {name for function in functions().values() for name in function["secrets"]} == SECRET
    assert set(local_value("secrets")) == SECRET
    for path in GCP.rglob("*.tf"):
        assert "google_secret_manager_secret_version" not in path.read_text(), "its value would be in the state"


def conditions() -> list[str]:
    return [validation["condition"] for validation in variables(GCP)["settings"]["validation"]]


def validations() -> str:
    return "\n".join(conditions())
