"""What every `ModelRepository` promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from functions.api.promote_model import promote_model
from shared.adapters.memory import FixedClock
from shared.errors import ErasedByAnother, ModelNotFound
from shared.lineage import current_of, promoted
from shared.models import Model
from tests.builders import AT, STEP, a_model
from tests.contracts.backend import Backend


def test_a_model_is_read_as_it_was_created(backend: Backend, own: str) -> None:
    model = a_model(id=f"m_{own}", parameters={"steps": 1000, "rate": 0.5, "style": "ö", "nested": {"a": [1, 2]}})
    assert backend.models.create(model) is True
    assert backend.models.get(model.id) == model


def test_a_model_of_several_files_keeps_them_all_in_order(backend: Backend, own: str) -> None:
    first = a_model().files[0]
    further = tuple(replace(first, part=part, uri=f"gs://models/{part}") for part in ("high-noise", "third"))
    model = a_model(id=f"m_{own}", part="low-noise", further_weights=further)
    backend.models.create(model)
    read = backend.models.get(model.id)
    assert read == model
    assert [file.part for file in read.files] == ["low-noise", "high-noise", "third"]


def test_creating_twice_keeps_the_first(backend: Backend, own: str) -> None:
    first = a_model(id=f"m_{own}")
    backend.models.create(first)
    assert backend.models.create(a_model(id=f"m_{own}", size=1)) is False
    assert backend.models.create(first) is False
    assert backend.models.get(first.id) == first


def test_an_unknown_model_is_not_found(backend: Backend, own: str) -> None:
    with pytest.raises(ModelNotFound, match=own):
        backend.models.get(f"m_{own}")


def test_owners_page_through_their_own_models_newest_first(backend: Backend, own: str) -> None:
    for number in range(3):
        at = AT + number * STEP
        backend.models.create(a_model(id=f"m_{own}_{number}", owner_id=f"owner-{own}", trained_at=at))
        backend.models.create(a_model(id=f"m_{own}_x{number}", owner_id=f"other-{own}", trained_at=at))
    first = backend.models.list_for_owner(f"owner-{own}", limit=2)
    rest = backend.models.list_for_owner(f"owner-{own}", limit=2, cursor=first.next_cursor)
    assert [model.id for model in first.items + rest.items] == [f"m_{own}_{number}" for number in (2, 1, 0)]
    assert rest.next_cursor is None


def test_the_latest_model_of_each_shoot_is_found_for_its_owner_alone(backend: Backend, own: str) -> None:
    owner, other = f"owner-{own}", f"other-{own}"
    for number, shoot in enumerate(("a", "b", "a", "b", "a", "c")):
        place = {"shoot_id": f"s_{own}_{shoot}", "trained_at": AT + number * STEP}
        backend.models.create(a_model(id=f"m_{own}_{number}", owner_id=owner, version=number, **place))
        backend.models.create(a_model(id=f"m_{own}_x{number}", owner_id=other, **place))
    latest = backend.models.latest_for_shoots(owner, [f"s_{own}_a", f"s_{own}_b", f"s_{own}_none"])
    assert {shoot: model.id for shoot, model in latest.items()} == {
        f"s_{own}_a": f"m_{own}_4",
        f"s_{own}_b": f"m_{own}_3",
    }
    assert latest[f"s_{own}_a"] == backend.models.get(f"m_{own}_4")


def test_a_page_full_of_shoots_is_asked_for_at_once(backend: Backend, own: str) -> None:
    shoots = [f"s_{own}_{number}" for number in range(100)]
    for shoot in (shoots[0], shoots[50], shoots[99]):
        backend.models.create(a_model(id=f"m_{shoot}", owner_id=f"owner-{own}", shoot_id=shoot))
    latest = backend.models.latest_for_shoots(f"owner-{own}", shoots)
    assert sorted(latest) == sorted([shoots[0], shoots[50], shoots[99]])
    assert backend.models.latest_for_shoots(f"owner-{own}", []) == {}


def test_a_training_keeps_its_version(backend: Backend, own: str) -> None:
    asked = [backend.models.allocate_version(own, "wolf", training) for training in ("a", "b", "a", "c", "b", "a")]
    assert asked == [1, 2, 1, 3, 2, 1]


def test_a_number_above_another_is_given_once_and_to_nobody_else(backend: Backend, own: str) -> None:
    assert backend.models.allocate_version(own, "wolf", "a") == 1
    assert backend.models.allocate_version(own, "wolf", "a", above=1) == 2
    assert [backend.models.allocate_version(own, "wolf", "a", above=above) for above in (0, 1)] == [2, 2]
    assert backend.models.version_of(own, "wolf", "a") == 2
    assert backend.models.allocate_version(own, "wolf", "b") == 3
    assert backend.models.allocate_version(own, "wolf", "a", above=2) == 4, "the third is another training's"
    assert backend.models.allocate_version(own, "fox", "c", above=7) == 8
    assert backend.models.allocate_version(own, "fox", "d", above=3) == 9


def test_every_person_and_name_counts_for_itself(backend: Backend, own: str) -> None:
    named = [(own, "wolf"), (own, "hood"), (f"{own}-2", "wolf"), (own, "wolf-2")]
    assert [backend.models.allocate_version(person, name, "a") for person, name in named] == [1, 1, 1, 1]


def test_versions_that_are_allocated_at_once_are_dense_and_kept(backend: Backend, own: str) -> None:
    trainings = [f"t{number % 12}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(lambda training: backend.models.allocate_version(own, "wolf", training), trainings))
    assert versions[:12] == versions[12:]
    assert sorted(versions[:12]) == list(range(1, 13))


def test_an_update_writes_and_returns_what_the_change_gives(backend: Backend, own: str) -> None:
    backend.models.create(a_model(id=f"m_{own}"))
    changed = backend.models.update(f"m_{own}", lambda model: replace(model, title="Anna"))
    assert changed.title == "Anna"
    assert backend.models.get(f"m_{own}") == changed
    with pytest.raises(ModelNotFound):
        backend.models.update(f"m_{own}-x", lambda model: model)


def test_a_deleted_model_is_not_found_and_may_be_deleted_again(backend: Backend, own: str) -> None:
    model = a_model(id=f"m_{own}", owner_id=own)
    backend.models.create(model)
    backend.models.delete(model.id)
    backend.models.delete(model.id)
    with pytest.raises(ModelNotFound):
        backend.models.get(model.id)
    assert backend.models.list_for_owner(own, limit=10).items == ()


def test_the_latest_model_of_a_recipe_is_found_for_its_owner_alone(backend: Backend, own: str) -> None:
    for number, recipe in enumerate(["same", "same", "other"]):
        model = a_model(id=f"m_{own}-{number}", owner_id=own, recipe=recipe, trained_at=AT + number * STEP)
        backend.models.create(model)
    found = backend.models.find_by_recipe(own, "same")
    assert found is not None
    assert found.id == f"m_{own}-1"
    assert backend.models.find_by_recipe(f"{own}-x", "same") is None
    assert backend.models.find_by_recipe(own, "none") is None


def test_of_versions_that_are_promoted_at_once_one_is_current_for_everybody(backend: Backend, own: str) -> None:
    for version in (1, 2, 3, 4):
        backend.models.create(a_model(id=f"m_{own}-{version}", owner_id=own, person_id="p", name="w", version=version))
    seen = backend.models.list_versions(own, "p", "w")

    def promote(model: Model) -> Model:
        return backend.models.update(model.id, lambda m: promoted(m, seen, at=AT))

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(promote, seen[1:]))
    assert current_of(backend.models.list_versions(own, "p", "w")) == done[0], "of equal times the newest version's"
    last = promote_model(done[-1], models=backend.models, clock=FixedClock())
    assert current_of(backend.models.list_versions(own, "p", "w")) == last


def test_of_erasures_that_take_a_model_at_once_one_has_it_and_nobody_takes_it_away(backend: Backend, own: str) -> None:
    model = a_model(id=f"m_{own}", owner_id=own)
    backend.models.create(model)

    def take(erasure_id: str) -> str | None:
        try:
            return backend.models.update(model.id, lambda m: m.given_to(erasure_id)).erasure_id
        except ErasedByAnother:
            return None

    with ThreadPoolExecutor(4) as pool:
        (taken,) = {erasure_id for erasure_id in pool.map(take, ("e_1", "e_2", "e_3", "e_4")) if erasure_id}
    assert backend.models.get(model.id).erasure_id == taken


def test_the_versions_of_a_name_come_the_newest_first(backend: Backend, own: str) -> None:
    for version in (1, 3, 2):
        model = a_model(id=f"m_{own}-{version}", owner_id=own, person_id="p", name="wolf", version=version)
        backend.models.create(model)
    backend.models.create(a_model(id=f"m_{own}-x", owner_id=own, person_id="p", name="fox", version=9))
    found = backend.models.list_versions(own, "p", "wolf")
    assert [model.version for model in found] == [3, 2, 1]
