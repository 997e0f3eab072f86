"""Buckets are private, and keep and forget what the promises say."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from shared.deadlines import Deadlines
from shared.models import staging_prefix
from shared.settings import StoreSettings
from tests.infra.terraform import GCP, ROOT, blocks, local_value, variables


def buckets() -> dict[str, Any]:
    found: dict[str, Any] = local_value("buckets")
    return found


def test_there_is_a_bucket_for_every_one_that_the_code_names() -> None:
    named = {name.removesuffix("_bucket") for name in StoreSettings.model_fields if name.endswith("_bucket")}
    assert set(buckets()) == named


def test_every_bucket_is_private_whatever_is_set_on_an_object() -> None:
    made = blocks("google_storage_bucket")
    assert list(made) == ["bucket"]
    assert made["bucket"]["public_access_prevention"] == "enforced"
    assert made["bucket"]["uniform_bucket_level_access"] is True


def test_packed_pictures_are_gone_when_they_are_deleted() -> None:
    assert buckets()["datasets"]["soft_deleted_days"] == 0
    assert buckets()["thumbnails"]["soft_deleted_days"] == 0


def test_what_was_paid_for_can_be_had_back() -> None:
    assert buckets()["models"]["soft_deleted_days"] >= 7


def test_a_forgotten_zip_goes_but_never_before_its_training_has_ended() -> None:
    (rule,) = buckets()["datasets"]["rules"]
    longest_s = sum(dataclasses.asdict(Deadlines()).values())
    assert timedelta(seconds=longest_s) < timedelta(days=rule["age_days"]) <= timedelta(days=7)
    assert rule["prefixes"] == []


def test_weights_are_never_deleted_by_age_but_where_they_are_not_verified_yet() -> None:
    (rule,) = buckets()["models"]["rules"]
    assert rule["prefixes"] == [staging_prefix("t_1").replace("t_1/", "")]
    assert timedelta(days=rule["age_days"]) > timedelta(seconds=Deadlines.mirroring_s)
    assert buckets()["shoots"]["rules"] == [], "the shoots are the app's"


def test_those_who_remove_cannot_write() -> None:
    role = blocks("google_project_iam_custom_role")["object_remover"]
    assert set(role["permissions"]) == {"storage.objects.delete", "storage.objects.get", "storage.objects.list"}


def test_shoots_are_written_and_deleted_only_where_they_may_be_imported() -> None:
    api, eraser = '{shoots = ["roles/storage.objectUser"]}', '{shoots = ["object_remover"]}'
    assert local_value("import_roles") == (
        f"${{local.settings.api.shoot_import ? {{api = {api}, eraser = {eraser}}} : {{}}}}"
    )


def test_it_is_logged_who_reads_and_writes_objects() -> None:
    audit = blocks("google_project_iam_audit_config")["objects"]
    assert audit["service"] == "storage.googleapis.com"
    (dynamic,) = audit["dynamic"]
    assert dynamic["audit_log_config"]["for_each"] == ["DATA_READ", "DATA_WRITE"]


# the rows of docs/security.md that tell how long what lies in a bucket stays
KEPT = {
    "the shoot": "shoots",
    "small pictures": "thumbnails",
    "the ZIP": "datasets",
    "a mirror's unverified weights": "models",
}


def test_how_long_copies_of_pictures_stay_is_told_as_it_is() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    table = text[text.index("## Where pictures are") : text.index("## Who may do what")]
    cells = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    rows = {first.strip(): until for first, *_, until in cells if first.strip() in KEPT}
    assert set(rows) == set(KEPT)
    for row, name in KEPT.items():
        bucket = buckets()[name]
        days = bucket["soft_deleted_days"]
        assert (f"{days} days of soft delete" if days else "no soft delete") in rows[row], row
        assert [f"age of {rule['age_days']} days" in rows[row] for rule in bucket["rules"]] == [True] * len(
            bucket["rules"]
        )


def test_how_far_backups_reach_is_told_as_it_is() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    assert f"| {variables(GCP)['backup_days']['default']} days, daily (`backup_days`) |" in runbook
    assert (
        f"| models | {buckets()['models']['soft_deleted_days']} days after deletion or replacement | soft delete |"
        in runbook
    )
    assert f"| shoots | {buckets()['shoots']['soft_deleted_days']} days | soft delete" in runbook
