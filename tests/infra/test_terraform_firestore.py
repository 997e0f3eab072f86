"""The database has the indexes, exemptions and expiries that the code counts on."""

from __future__ import annotations

import dataclasses

from shared.accounts import Account
from shared.adapters.google.indexes import APP_INDEXES, EXPIRING, INDEXES, UNINDEXED
from shared.models import Model
from shared.shoots import Shoot
from shared.stories import StoryEntry
from shared.trainings import Training
from tests.infra.terraform import GCP, blocks, local_value

STORED = {"accounts": Account, "shoots": Shoot, "trainings": Training, "models": Model, "stories": StoryEntry}


def test_every_index_of_the_code_is_made_and_no_other() -> None:
    made = [(collection, tuple(tuple(field.split()) for field in fields)) for collection, *fields in indexes()]
    assert sorted(made) == sorted((index.collection, index.fields) for index in (*INDEXES, *APP_INDEXES))


def test_every_exemption_of_the_code_is_made_and_no_other() -> None:
    made = [(collection, field) for collection, fields in local_value("unindexed").items() for field in fields]
    assert sorted(made) == sorted(UNINDEXED)
    assert blocks("google_firestore_field")["unindexed"]["index_config"] == [{}], "no index at all"


def test_documents_expire_where_the_code_says_when() -> None:
    assert list(local_value("expiring").items()) == list(EXPIRING)
    # a Firestore field has one configuration: the expiry stands in that of the exemption
    assert set(EXPIRING) <= set(UNINDEXED)
    (dynamic,) = blocks("google_firestore_field")["unindexed"]["dynamic"]
    assert "local.expiring" in dynamic["ttl_config"]["for_each"]


def test_a_document_that_says_when_it_expires_does() -> None:
    fields = {(name, field.name) for name, kind in STORED.items() for field in dataclasses.fields(kind)}
    assert {(name, field) for name, field in fields if "expire" in field} == set(EXPIRING)


def test_the_database_can_be_had_back() -> None:
    database = blocks("google_firestore_database")["database"]
    assert database["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database["delete_protection_state"].startswith("${var.deletion_protection ? ")
    assert blocks("google_firestore_backup_schedule")["daily"]["daily_recurrence"] == [{}]


def test_the_rules_that_are_released_are_those_that_are_tested() -> None:
    (source,) = blocks("google_firebaserules_ruleset")["firestore"]["source"]
    (file,) = source["files"]
    assert file["content"] == '${file("${path.module}/firestore.rules")}'
    assert (GCP / "firestore.rules").is_file()


def indexes() -> list[list[str]]:
    found: list[list[str]] = local_value("indexes")
    return found
