"""Erasing very much: its record stays within what a document of the database holds, and still counts everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from shared.adapters.memory import Faults, MemoryImageJobs, MemoryObjects
from shared.documents import to_document
from shared.erasing.inventory import measured
from shared.erasing.plan import MOST_STEPS, Inventory, Plan, next_batch, plan_erasure
from shared.erasing.receipt import Cause, Erasure
from shared.erasing.things import MOST_NAMED, Bucket, Line, Step, Subject, What, together, with_news
from shared.ports import ObjectInfo
from shared.stages import Attention, Status
from tests.builders import AT, an_image_job
from tests.unit.test_erasing import PERSON, erase
from tests.world import OWNER, World

MANY = 20_000
MOST_BYTES = 1 << 20
# the record is measured so often at the beginning, while lines still get longer, and at the end
LOOKS = 15


def bytes_of(value: Any) -> int:
    """What Cloud Firestore counts (https://firebase.google.com/docs/firestore/storage-size)."""
    if isinstance(value, dict):
        return sum(len(name) + 1 + bytes_of(of_it) for name, of_it in value.items())
    if isinstance(value, list | tuple):
        return sum(map(bytes_of, value))
    return len(value.encode()) + 1 if isinstance(value, str) else 8


def an_erasure() -> Erasure:
    who = {"id": "e_1", "owner_id": OWNER, "subject": Subject.PERSON, "subject_id": PERSON}
    return Erasure.requested(at=AT, cause=Cause.ASKED, **who)


def carried_out(plan: Plan) -> tuple[Erasure, int]:
    """The receipt when all of the plan was deleted, and how many bytes the record had when it had most."""
    erasure, done = an_erasure().begun(plan, at=AT), 0
    sizes: list[int] = []
    while done < len(plan.steps):
        if len(sizes) < LOOKS or done + MOST_STEPS >= len(plan.steps):
            sizes.append(bytes_of(to_document(erasure)))
        done += len(erasure.batch)
        next_steps = plan.steps[done : done + MOST_STEPS + 1]
        erasure = erasure.went(erasure.batch, (), at=AT).begun(Plan(steps=next_steps), at=AT)
    return erasure.finished(plan.stays, at=AT), max(sizes)


class CountedLooks(MemoryObjects):
    """A bucket that counts how often somebody looks what is in it."""

    looks = 0

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self.looks += 1
        return super().list(prefix)


def line(what: What, lines: Iterable[Line]) -> Line:
    (found,) = (each for each in lines if each.what is what)
    return found


def test_a_person_with_twenty_thousand_sets_of_pictures_fits_into_one_record_that_counts_them_all() -> None:
    made = an_image_job(person_id=PERSON, status=Status.SUCCEEDED, attention=Attention.NONE)
    sets = [replace(made, id=f"i_{number:024x}") for number in range(MANY)]
    plan = plan_erasure(Inventory(subject=Subject.PERSON, images=sets))
    receipt, most_bytes = carried_out(plan)
    assert most_bytes < MOST_BYTES / 2
    for told in (line(What.IMAGES, receipt.deleted), line(What.BILLING, receipt.stays)):
        assert (told.count, len(told.of), told.unnamed) == (MANY, MOST_NAMED, MANY - MOST_NAMED)
        assert told.of == tuple(job.id for job in sets[:MOST_NAMED])


def test_what_is_told_again_is_counted_once_named_or_not() -> None:
    def told(first: int, end: int) -> Line:
        ids = tuple(f"i_{number}" for number in range(first, end))
        return Line(what=What.BILLING, count=len(ids), of=ids, reason="billed")

    lines = with_news((), [told(0, 2000)])
    for again in (told(0, 2000), told(700, 2000), told(1990, 2000)):
        assert with_news(lines, [again]) == lines
    (more,) = with_news(lines, [told(0, 2001)])
    assert (more.count, len(more.of), more.unnamed) == (2001, MOST_NAMED, 2001 - MOST_NAMED)
    (few,) = with_news([told(0, 3)], [told(2, 5)])
    assert (few.count, few.of, few.unnamed) == (5, told(0, 5).of, 0)


def test_lines_of_one_kind_and_reason_are_one_line() -> None:
    lines = [Line(what=What.PICTURES, count=4, size=100, of=(f"i_{number}",)) for number in range(MOST_NAMED + 2)]
    (one,) = together(lines)
    assert (one.count, one.size) == (4 * len(lines), 100 * len(lines))
    assert (len(one.of), one.unnamed) == (MOST_NAMED, 2)
    assert together([one, lines[0]]) == (replace(one, count=one.count + 4, size=one.size + 100),)


def test_what_belongs_to_one_job_is_never_torn_apart() -> None:
    """Else its request would be deleted by the first part, counted by it, and found gone by the next."""
    steps = tuple(Step(what=What.STORY, of=f"i_{number // 3}", count=1) for number in range(MOST_STEPS + 50))
    batch = next_batch(steps)
    assert batch == steps[: MOST_STEPS - MOST_STEPS % 3]
    assert next_batch(batch) == batch


class CountedWrites(Faults):
    """Counts how often somebody changes something."""

    writes = 0

    @contextmanager
    def around(self, method: str) -> Iterator[None]:
        self.writes += method == "update"
        yield


def test_what_is_taken_is_not_taken_again_for_every_batch() -> None:
    faults = CountedWrites()
    world = World(images=MemoryImageJobs(faults=faults))
    made = an_image_job(owner_id=OWNER, person_id=PERSON, status=Status.CANCELED, attention=Attention.NONE)
    for number in range(MOST_STEPS // 2):
        world.images.create(replace(made, id=f"i_{number}"))
    receipt = erase(world, Subject.PERSON, PERSON)
    assert line(What.IMAGES, receipt.deleted).count == MOST_STEPS // 2 == faults.writes


def test_no_more_is_looked_for_than_is_deleted_next() -> None:
    bucket = CountedLooks("models")
    names = [f"logs/i_{number}/training.log" for number in range(9)]
    for name in names[3:]:
        bucket.write(name, [b"log"], content_type="text/plain")
    plan = Plan(steps=tuple(Step(what=What.FAILED_LOG, of=name, place=name) for name in names))
    found = measured(plan, {Bucket.MODELS: bucket}, most=2)
    assert ([step.place for step in found.steps], bucket.looks) == (names[3:5], 5)
    assert len(measured(plan, {Bucket.MODELS: bucket}).steps) == 6
