"""The services that Terraform makes and the functions of the code are the same, and each may do what it needs."""

from __future__ import annotations

from shared.events import SUBSCRIPTIONS
from tests.infra.terraform import ROOT, functions

FOLDERS = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}


def test_every_function_has_its_service_by_its_source_and_target() -> None:
    assert set(functions()) == FOLDERS
    for name, function in functions().items():
        entry = ROOT / function["source"]
        assert entry == ROOT / "functions" / name / "main.py"
        assert f"def {function['target']}(request: Request)" in entry.read_text()


def test_nothing_is_public_but_the_api_and_the_webhook() -> None:
    assert {name for name, function in functions().items() if function["public"]} == {"api", "webhook"}


def test_every_subscriber_answers_before_its_message_is_delivered_again() -> None:
    subscribers = {function for functions_ in SUBSCRIPTIONS.values() for function in functions_}
    longest = {name: functions()[name]["timeout_s"] for name in subscribers}
    assert max(longest.values()) <= 600, "Pub/Sub waits at most 600 s for an answer"
