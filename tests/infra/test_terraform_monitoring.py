"""The figures of docs/observability.md are measured, and somebody is told when they are wrong."""

from __future__ import annotations

import re
from typing import Any

from tests.infra.terraform import ROOT, blocks, local_value

OBSERVABILITY = (ROOT / "docs" / "observability.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
FIGURE = re.compile(r"^\| `(?P<name>[a-z_]+)` \| `(?P<event>\w+)` \| (?P<value>[^|]*) \| (?P<labels>[^|]*) \|", re.M)
USED = re.compile(r"local\.figure\.(\w+)\}(_\w+)?")


def figures() -> dict[str, Any]:
    found: dict[str, Any] = local_value("figures")
    return found


def described() -> dict[str, Any]:
    """The table of figures, as `local.figures` has it."""
    found = {}
    for row in FIGURE.finditer(OBSERVABILITY):
        value = re.findall(r"`([\w.]+)`", row["value"])
        labels = re.findall(r"`(\w+)`", row["labels"])
        found[row["name"]] = {"event": row["event"], **({"value": value[0]} if value else {}), "labels": labels}
    return found


def queries() -> list[str]:
    alerts = [alert["query"] for alert in local_value("alerts").values()]
    return [*alerts, *(query for _, query in local_value("charts"))]


def test_the_figures_are_those_that_are_described() -> None:
    assert figures() == described()
    assert len(figures()) >= 10


def test_there_is_an_alert_for_everything_that_somebody_has_to_look_at() -> None:
    wanted = {"dead-letters", "oldest-message", "stuck-trainings", "forged-callbacks", "spending", "error-rate"}
    assert wanted <= set(local_value("alerts"))


def test_alerts_and_charts_look_at_figures_that_there_are_as_what_they_are() -> None:
    used = [use for query in queries() for use in USED.findall(query)]
    assert used
    for name, part in used:
        gathered = "value" in figures()[name]
        assert bool(part) == gathered, f"{name}: a counter has no {part or 'plain value'}"
        assert part in ("", "_sum", "_count", "_bucket")


def test_a_query_asks_for_labels_that_its_figure_has() -> None:
    for query in queries():
        for name, labels in re.findall(r"local\.figure\.(\w+)\}(?:_\w+)?\{\$\{local\.logged\},(\w+)=", query):
            assert labels in figures()[name]["labels"]


def test_every_alert_says_what_it_means_and_reaches_somebody() -> None:
    policy = blocks("google_monitoring_alert_policy")["alerts"]
    assert policy["notification_channels"] == "${var.notification_channels}"
    for name, alert in local_value("alerts").items():
        assert alert["summary"].endswith("."), name
        assert alert["severity"] in ("CRITICAL", "ERROR", "WARNING")


def chapters() -> dict[str, str]:
    """The runbook's chapters about alerts, by their headings."""
    (part,) = re.findall(r"^## When an alert rings\n(.*?)^## ", RUNBOOK, re.M | re.S)
    headings = re.split(r"^### (.+)\n", part, flags=re.M)[1:]
    return dict(zip(headings[::2], headings[1::2], strict=True))


def test_every_alert_leads_to_a_chapter_of_its_name_and_every_chapter_is_about_an_alert() -> None:
    policy = blocks("google_monitoring_alert_policy")["alerts"]
    (documentation,) = policy["documentation"]
    assert "docs/runbook.md, chapter `${each.key}`" in documentation["content"]
    assert set(chapters()) == set(local_value("alerts"))


def test_a_chapter_says_what_it_means_what_users_see_where_to_look_and_what_to_do() -> None:
    for name, chapter in chapters().items():
        told = re.findall(r"^\*\*(Means|Users see|Look|Mend)\*\*", chapter, re.M)
        assert told == ["Means", "Users see", "Look", "Mend"], name


def test_signature_failures_are_told_apart_from_other_refusals() -> None:
    from shared.errors import WebhookForged

    assert f'code="{WebhookForged.code}"' in local_value("alerts")["forged-callbacks"]["query"]
