"""`lora data`: what there is of whom, and what is deleted by itself soon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fake_api import FakeApi, running_api
from tests.running_cli import run

ADA = {"id": "ada", "shoots": 2, "trainings": 3, "models": 1, "images": 4}
FAILED = {"training_id": "t_1", "images_id": None, "model_name": "red-cape", "due_at": "2026-11-26T00:32:10.500000Z"}
PICTURES = {**FAILED, "training_id": None, "images_id": "i_1"}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        api.people = [ADA]
        yield api


def test_people_are_counted_and_what_has_its_time_is_named_with_its_hour(api: FakeApi) -> None:
    api.due = {"kept_days": 3.0, "items": [FAILED, PICTURES]}
    outcome = run(api, "data")
    assert [line.split() for line in outcome.stdout.splitlines() if line][1] == ["ada", "2", "3", "1", "4"]
    assert "t_1  training of red-cape  2026-11-26 00:32:10 UTC" in outcome.stdout
    assert "i_1  pictures of red-cape  2026-11-26 00:32:10 UTC" in outcome.stdout
    assert "lora erase person PERSON --dry-run" in outcome.stderr


@pytest.mark.parametrize(("kept_days", "words"), [(3.0, "is kept for 3 days"), (None, "kept until you delete them")])
def test_where_nothing_is_due_it_says_how_long_things_are_kept(
    api: FakeApi, kept_days: float | None, words: str
) -> None:
    api.due = {"kept_days": kept_days, "items": []}
    assert words in run(api, "data").stdout


def test_where_there_is_nobody_it_says_so_and_as_json_it_is_one_document(api: FakeApi) -> None:
    api.people = []
    assert "Nobody yet" in run(api, "data").stderr
    assert run(api, "data", "--json").json == {"people": [], "due": api.due}
