"""What an erasure deleted cannot be read in the embedded database's files either, whoever opens them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.erasures import SqliteErasures
from shared.adapters.embedded.jobs import SqliteImageJobs
from shared.erasing.plan import Plan
from shared.erasing.receipt import Cause, Erasure, State
from shared.erasing.things import Step, Subject, What
from shared.errors import DatabaseUnavailable
from tests.builders import AT, an_image_job

PROMPT = "a quokka at the harbour"
PERSON = "p_wallaby"
SETS = 90


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.sqlite3"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = Database(path, busy_timeout_s=0.05)
    yield database
    database.close()


def readable(path: Path, text: str) -> list[str]:
    """The files beside `path`, and itself, in which the text is to be found."""
    return sorted(file.name for file in path.parent.iterdir() if text.encode() in file.read_bytes())


def erased(jobs: SqliteImageJobs, erasures: SqliteErasures) -> Erasure:
    """The receipt of many sets, which were kept among others, short and long, and changed again and again."""
    ids = [f"i_{number}" for number in range(SETS)]
    for number, job_id in enumerate(ids):
        prompt = f"{PROMPT} " * (number * 7 % SETS) if number % 3 else "nobody's"
        jobs.create(an_image_job(id=job_id, prompt=prompt))
        jobs.update(ids[number // 2], lambda job: replace(job, log_tail=(*job.log_tail, "step " * 20)))
    going = [job_id for number, job_id in enumerate(ids) if number % 3]
    erasure = Erasure.requested(
        at=AT, id="e_1", owner_id="o", subject=Subject.PERSON, subject_id=PERSON, cause=Cause.ASKED
    )
    erasures.create(erasure)
    steps = tuple(Step(what=What.IMAGES, of=job_id, count=1) for job_id in going)
    again = [Step(what=What.SMALL_PICTURES, of="m_1", place=f"images/{PERSON}/cape/v1/")]
    begun = erasures.update(erasure.id, lambda e: e.begun(Plan(steps=steps), at=AT, again=again))
    for job_id in going:
        jobs.delete(job_id)
    erasures.update(erasure.id, lambda e: e.went(begun.batch, (), at=AT))
    return erasures.update(erasure.id, lambda e: e.finished((), at=AT, again_at=AT))


def test_of_what_was_erased_nothing_is_readable_in_the_files(path: Path, database: Database) -> None:
    jobs, erasures = SqliteImageJobs(database), SqliteErasures(database)
    receipt = erased(jobs, erasures)
    assert readable(path, PROMPT) == []
    assert readable(path, PERSON) == [path.name], "it still has to be looked once more where everything lay"
    done = erasures.update(receipt.id, lambda e: e.looked_again(at=AT))
    assert (done.state, readable(path, PERSON)) == (State.DONE, [])
    assert jobs.get("i_0").prompt == "nobody's"


def test_where_somebody_still_reads_what_was_there_it_is_said_and_done_at_the_second_look(
    path: Path, database: Database
) -> None:
    jobs, erasures = SqliteImageJobs(database), SqliteErasures(database)
    jobs.create(an_image_job(id="i_reader", prompt=PROMPT))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM image_jobs").fetchone()
    with pytest.raises(DatabaseUnavailable):
        erased(jobs, erasures)
    jobs.delete("i_reader")
    assert readable(path, PROMPT)
    reader.close()
    assert erasures.get("e_1").has_receipt
    erasures.update("e_1", lambda e: e.looked_again(at=AT))
    assert readable(path, PROMPT) == []
