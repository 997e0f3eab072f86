"""What is particular to stories in SQLite: what Firestore's TTL policy does in the cloud."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.stories import SqliteStories
from tests.contracts.test_stories_contract import an_entry


def test_what_has_expired_goes_when_something_is_told(tmp_path: Path) -> None:
    database = Database(tmp_path / "app.sqlite")
    stories = SqliteStories(database)
    old, kept = an_entry("t_old"), replace(an_entry("t_kept"), expires_at=an_entry("t").expires_at + timedelta(days=2))
    stories.append(old)
    stories.append(kept)
    late = replace(an_entry("t_new"), ended_at=old.expires_at)
    stories.append(late)
    assert stories.list_for_training("t_old", limit=1) == []
    assert stories.list_for_training("t_kept", limit=1) == [kept]
    database.close()
