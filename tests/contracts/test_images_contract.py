"""What every `ImageJobRepository` promises beyond what all repositories of jobs do (test_jobs_contract.py)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.errors import ImagesNotFound
from shared.stages import Status
from tests.builders import AT, STEP, an_image_job
from tests.contracts.backend import Backend


def test_pictures_in_any_status_are_read_as_they_were_written(backend: Backend, own: str) -> None:
    for status in Status:
        job = an_image_job(id=f"i_{own}_{status}", status=status, ended_in=Status.MIRRORING, group_id="g_1", scale=0.25)
        backend.images.create(job)
        assert backend.images.get(job.id) == job


def test_a_listing_is_of_the_owner_and_of_a_model_or_a_comparison_where_that_is_asked(
    backend: Backend, own: str
) -> None:
    owner = f"owner-{own}"
    for number, (model_id, group_id) in enumerate([("m_a", "g_a"), ("m_b", "g_a"), ("m_a", None)]):
        job = an_image_job(id=f"i_{own}_{number}", owner_id=owner, created_at=AT + number * STEP)
        backend.images.create(replace(job, model_id=model_id, group_id=group_id))
    backend.images.create(an_image_job(id=f"i_{own}_x", owner_id=f"other-{own}"))

    def listed(**wanted: Any) -> list[str]:
        return [job.id[-1] for job in backend.images.list_for_owner(owner, limit=10, **wanted).items]

    assert listed() == ["2", "1", "0"]
    assert listed(model_id="m_a") == ["2", "0"]
    assert listed(group_id="g_a") == ["1", "0"]
    first = backend.images.list_for_owner(owner, limit=2)
    (last,) = backend.images.list_for_owner(owner, limit=2, cursor=first.next_cursor).items
    assert last.id == f"i_{own}_0"


def test_what_was_deleted_is_gone_and_deleting_again_is_no_error(backend: Backend, own: str) -> None:
    backend.images.create(an_image_job(id=f"i_{own}"))
    for _ in range(2):
        backend.images.delete(f"i_{own}")
    with pytest.raises(ImagesNotFound):
        backend.images.get(f"i_{own}")
    with pytest.raises(ImagesNotFound):
        backend.images.update(f"i_{own}", lambda job: job)
