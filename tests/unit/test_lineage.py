"""What makes one version differ from another, and which one of them is current."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import CannotContinue
from shared.lineage import changes, current_of, model_difference, promoted, refuse_unless_continuable
from shared.manifests import FilesDifference, Manifest, difference, from_bytes, manifest_name, manifest_of, to_bytes
from shared.models import Model
from shared.ports import ObjectInfo
from shared.shoots import Picture
from shared.trainers import trainer
from tests.builders import AT, a_model

PORTRAIT = "fal-ai/flux-lora-portrait-trainer"


def an_object(name: str, crc32c: str = "AAAA") -> ObjectInfo:
    return ObjectInfo(name=f"shoots/s_1/preprocessed/{name}", size=1, crc32c=crc32c, updated_at=AT)


def a_picture(stem: str, crc32c: str = "AAAA", caption: str | None = None) -> Picture:
    return Picture(
        stem=stem,
        image=an_object(f"{stem}.jpg", crc32c),
        caption=an_object(f"{stem}.txt", caption) if caption else None,
    )


BEFORE = manifest_of([a_picture("01", caption="x"), a_picture("02"), a_picture("03", caption="x")], {})


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = manifest_of([a_picture("Käppchen", caption="x")], {"Käppchen": "a hood"})
    assert from_bytes(to_bytes(manifest)) == manifest


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"pictures": 7, "captions": {}}', b"\xff"])
def test_what_is_no_manifest_is_none(data: bytes) -> None:
    with pytest.raises(ValueError):
        from_bytes(data)


def test_a_manifest_lies_beside_its_zip() -> None:
    assert manifest_name("trainings/t_1/n.zip") == "trainings/t_1/n.json"


def test_what_came_went_and_changed_is_told_by_name() -> None:
    after = manifest_of([a_picture("01", caption="y"), a_picture("02", "BBBB"), a_picture("04", caption="x")], {})
    found = difference(BEFORE, after)
    assert found.pictures == FilesDifference(added=("04.jpg",), removed=("03.jpg",), changed=("02.jpg",), same=1)
    assert found.captions == FilesDifference(added=("04.txt",), removed=("03.txt",), changed=("01.txt",), same=0)


def test_a_given_caption_is_another_one_than_the_stored_and_the_same_as_itself() -> None:
    pictures = [a_picture("01", caption="x"), a_picture("02")]
    given = manifest_of(pictures, {"01": "a hood", "02": "a wolf", "99": "nobody's"})
    assert difference(manifest_of(pictures, {}), given).captions == FilesDifference(
        added=("02.txt",), changed=("01.txt",)
    )
    again = manifest_of(pictures, {"01": "a hood", "02": "a lamb"})
    assert difference(given, again).captions == FilesDifference(changed=("02.txt",), same=1)


def test_the_same_dataset_is_certain_without_a_manifest_and_what_changed_is_not() -> None:
    before, after = a_model(), a_model(id="m_2", dataset_fingerprint="ef" * 32, parameters={"steps": 20, "rate": 0.5})
    found = model_difference(before, after, (None, BEFORE))
    assert (found.same_dataset, found.dataset) == (False, None)
    assert [(c.name, c.before, c.after) for c in found.parameters] == [
        ("is_style", False, None),
        ("rate", None, 0.5),
        ("steps", 1000, 20),
    ]
    same = model_difference(before, before, (BEFORE, BEFORE))
    assert same.same_dataset
    assert same.dataset is not None
    assert (same.dataset.pictures.same, same.settings, same.parameters) == (3, (), ())


def test_false_is_not_the_same_as_nothing_and_one_is_the_same_as_one() -> None:
    assert [c.name for c in changes({"a": False, "b": 1}, {"b": 1.0})] == ["a"]


def versions(count: int) -> list[Model]:
    return [a_model(id=f"m_{number}", version=number) for number in range(1, count + 1)]


def test_the_newest_version_is_current_until_somebody_promotes_another() -> None:
    first, second, third = versions(3)
    assert current_of([third, second, first]) == third
    first = promoted(first, [first, second, third], at=AT)
    assert current_of([first, second, third, a_model(id="m_4", version=4)]) == first
    assert current_of([]) is None


def test_of_promotions_the_last_one_counts_whatever_the_clock_says() -> None:
    first, second = versions(2)
    first = promoted(first, [first, second], at=AT)
    second = promoted(second, [first, second], at=AT - timedelta(hours=1))
    assert current_of([first, second]) == second
    again = promoted(second, [first, second], at=AT + timedelta(hours=1))
    assert again == second, "promoting the current one again changes nothing"


def test_when_the_current_version_is_deleted_the_one_promoted_before_it_is_current_again() -> None:
    first, second, third = versions(3)
    first = promoted(first, [first, second, third], at=AT)
    second = promoted(second, [first, second, third], at=AT + timedelta(seconds=1))
    assert current_of([first, third]) == first


def test_however_many_promote_at_once_exactly_one_version_is_current() -> None:
    source = random.Random(7)
    for _ in range(200):
        seen = versions(4)
        # all of them have read the same versions, and write at nearly the same moment
        chosen = [promoted(m, seen, at=AT + timedelta(microseconds=source.randrange(2))) for m in seen]
        written = [model if source.random() < 0.6 else before for model, before in zip(chosen, seen, strict=True)]
        current = current_of(written)
        source.shuffle(written)
        assert current_of(written) == current
        assert current in written


CANNOT = [
    (a_model(), "flux-lora-fast-training", "always starts afresh; flux-lora-portrait-trainer can continue"),
    (a_model(), PORTRAIT, "was trained with flux-lora-fast-training"),
    (a_model(trainer=PORTRAIT, further_weights=a_model().files), PORTRAIT, "several files"),
]


@pytest.mark.parametrize(("parent", "name", "words"), CANNOT, ids=[words for _, _, words in CANNOT])
def test_a_model_that_cannot_be_continued_is_refused_with_what_to_do(parent: Model, name: str, words: str) -> None:
    with pytest.raises(CannotContinue, match=words) as refused:
        refuse_unless_continuable(parent, trainer(name))
    assert refused.value.message.endswith("train it again from the start, with the same pictures and settings.")


def test_a_model_of_a_trainer_that_resumes_can_be_continued_with_it() -> None:
    refuse_unless_continuable(replace(a_model(), trainer=PORTRAIT), trainer(PORTRAIT))


def test_a_manifest_of_nothing_differs_in_everything() -> None:
    nothing = Manifest(pictures={}, captions={})
    assert difference(nothing, BEFORE).pictures.added == ("01.jpg", "02.jpg", "03.jpg")
