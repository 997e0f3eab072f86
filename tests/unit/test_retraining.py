"""Training a model again, and continuing it: the next version, on the same road, for the same money, once."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from functions.api.end_training import retry_training
from functions.api.retrain_model import Changes, retrain_model
from shared.errors import (
    AlreadyTrained,
    ArtifactUnavailable,
    CannotContinue,
    Conflict,
    InvalidParameter,
    InvalidRequest,
    ModelErased,
    StorageUnavailable,
)
from shared.events import DatasetPackaged, TrainingRequested
from shared.manifests import from_bytes
from shared.models import Model
from shared.remedies import Remedy
from shared.shoots import preprocessed_prefix
from shared.stages import Status
from shared.trainings import Training
from tests.fakes import lora_weights
from tests.world import World, jpeg

PORTRAIT = "fal-ai/flux-lora-portrait-trainer"
V1, V2 = "models/p1/red-riding-hood/v1/", "models/p1/red-riding-hood/v2/"


@pytest.fixture
def world() -> World:
    world = World()
    world.shoot(images=12)
    return world


def trained(world: World, **wish: Any) -> Model:
    """A model of the shoot, as fal.ai's first run."""
    return delivered(world, world.start(**wish), "r1")


def again(world: World, parent: Model, key: str = "again", **changes: Any) -> Training:
    """What pressing "Train again" does."""
    wanted: dict[str, Any] = {"parameters": {}, **changes}
    return retrain_model(parent, key, Changes(**wanted), desk=world.desk, kept=world.kept)


def delivered(world: World, training: Training, request_id: str = "r2") -> Model:
    """The model of the training, once fal.ai is done."""
    world.run()
    world.fal.end(request_id)
    world.publisher.publish(world.report(training, request_id))
    world.run()
    return world.models.get(str(world.of(training).model_id))


def kept(world: World, name: str) -> bytes:
    return b"".join(world.kept.read(name))


def names_sent(world: World, training: Training) -> list[str]:
    """The pictures in the ZIP that fal.ai fetches."""
    (name,) = [found for found in world.zips() if training.id in found]
    with zipfile.ZipFile(io.BytesIO(b"".join(world.datasets.read(name)))) as archive:
        return [entry for entry in archive.namelist() if entry.endswith(".jpg")]


def test_a_press_that_comes_again_is_answered_with_its_training_whatever_became_of_its_model(world: World) -> None:
    parent = trained(world, captions={"03": "a hood"}, trainer=PORTRAIT, parameters={"steps": 1000})
    wish: dict[str, Any] = {"parameters": {"steps": 2000}, "continues": True}
    first = again(world, parent, **wish)
    world.trainings.delete(parent.training_id)
    world.kept.delete(parent.lora_uri.removeprefix("gs://models/"))
    assert again(world, parent, **wish) == first
    with pytest.raises(CannotContinue):
        again(world, parent, key="another", **wish)
    with pytest.raises(Conflict, match="take a new key"):
        again(world, parent, parameters={"steps": 3000})


def test_a_model_trained_again_is_the_next_version_with_its_parent(world: World) -> None:
    parent = trained(world, captions={"03": "a hood"}, preset="person")
    training = again(world, parent, parameters={"steps": 20})
    assert (training.parent_model_id, training.continues) == (parent.id, False)
    assert (training.captions, training.preset) == ({"03": "a hood"}, "person")
    assert training.parameters == {**parent.parameters, "steps": 20}

    model = delivered(world, training)
    assert (model.name, model.version, model.parent_model_id) == (parent.name, 2, parent.id)
    card = kept(world, f"{V2}README.md").decode()
    assert f"| Trained again from | `{parent.id}`, version 1 |" in card
    assert "| Dataset against that | the same |" in card
    assert "| Settings against that | steps: 10 → 20 |" in card
    assert "| Begun | afresh |" in kept(world, f"{V1}README.md").decode()


def test_the_same_again_is_refused_as_trained_already_unless_it_is_forced(world: World) -> None:
    parent = trained(world)
    with pytest.raises(AlreadyTrained):
        again(world, parent)
    assert again(world, parent, force=True).status is Status.REQUESTED


def test_a_picture_added_to_the_shoot_is_trained_with_and_told_of(world: World) -> None:
    parent = trained(world)
    world.put("s_1", "12.jpg", jpeg(12))
    model = delivered(world, again(world, parent))
    before, after = (from_bytes(kept(world, f"{prefix}dataset.json")) for prefix in (V1, V2))
    assert after.pictures.keys() - before.pictures.keys() == {"12.jpg"}
    assert model.dataset_fingerprint != parent.dataset_fingerprint
    assert "| Dataset against that | 1 pictures added: `12.jpg` |" in kept(world, f"{V2}README.md").decode()


def test_a_picture_that_is_left_out_is_not_sent_and_stays_in_the_shoot(world: World) -> None:
    parent = trained(world)
    training = again(world, parent, without=["03", "07", "03"])
    assert training.without == ("03", "07")
    world.run()
    sent = names_sent(world, training)
    assert len(sent) == 10
    assert {"03.jpg", "07.jpg"}.isdisjoint(sent)
    model = delivered(world, training)
    assert model.recipe == world.of(training).recipe != parent.recipe
    assert "| Pictures left out | `03`, `07` |" in kept(world, f"{V2}README.md").decode()
    assert world.pictures.stat(f"{preprocessed_prefix('s_1')}03.jpg") is not None


def test_what_was_left_out_stays_left_out_until_something_else_is_said(world: World) -> None:
    parent = trained(world, without=["03"])
    assert again(world, parent, parameters={"steps": 20}).without == ("03",)
    assert again(world, parent, "all", without=[]).without == ()


def test_a_picture_that_cannot_be_read_no_longer_matters_when_it_is_left_out(world: World) -> None:
    world.put("s_1", "05.jpg", b"no picture")
    training = world.start(without=["05"])
    world.run()
    assert world.of(training).status is Status.SUBMITTED


def test_leaving_out_too_many_is_told_before_anything_is_sent(world: World) -> None:
    training = world.start(without=[f"{i:02}" for i in range(9)])
    world.run()
    error = world.of(training).error
    assert error is not None
    assert (error.code, error.charged, world.fal.runs) == ("too_few_images", False, {})


@pytest.mark.parametrize("without", [["99"], ["00.jpg"], ["x" * 201], [str(i) for i in range(2001)]])
def test_pictures_that_there_are_not_cannot_be_left_out(world: World, without: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        world.start(without=without)
    assert world.trainings.list_followed(limit=10) == []


def test_what_was_said_of_a_picture_that_is_gone_does_not_stand_in_the_way(world: World) -> None:
    parent = trained(world, captions={"02": "a wolf"}, without=["03"])
    for stem in ("02", "03"):
        world.pictures.delete(f"{preprocessed_prefix('s_1')}{stem}.jpg")
    assert delivered(world, again(world, parent)).version == 2
    with pytest.raises(InvalidRequest, match="'99'"):
        again(world, parent, "other", without=["99"])


def test_a_failed_training_is_retried_although_a_picture_with_a_given_caption_is_gone(world: World) -> None:
    world.put("s_1", "05.jpg", b"no picture")
    training = world.start(captions={"05": "a wolf"}, without=["03"])
    world.run()
    assert world.of(training).status is Status.FAILED
    world.pictures.delete(f"{preprocessed_prefix('s_1')}05.jpg")
    successor = retry_training(world.of(training), world.desk)
    assert (successor.without, successor.captions) == (("03",), {"05": "a wolf"})


def test_pressing_twice_trains_once_and_another_wish_under_the_same_key_is_refused(world: World) -> None:
    parent = trained(world)
    first = again(world, parent, parameters={"steps": 20})
    assert again(world, parent, parameters={"steps": 20}) == first
    for other in ({"parameters": {"steps": 30}}, {"parameters": {"steps": 20}, "without": ["01"]}):
        with pytest.raises(Conflict):
            again(world, parent, **other)
    world.run()
    assert len(world.fal.runs) == 2


def test_another_trainer_begins_with_its_own_parameters(world: World) -> None:
    parent = trained(world)
    training = again(world, parent, trainer=PORTRAIT)
    assert training.parameters["steps"] == 2500
    with pytest.raises(InvalidParameter, match="learning_rate"):
        again(world, parent, "other", parameters={"learning_rate": 0.1})


def test_a_preset_that_is_chosen_anew_sets_what_it_sets_and_leaves_the_rest(world: World) -> None:
    parent = trained(world, parameters={"steps": 10, "create_masks": True})
    training = again(world, parent, preset="costume")
    assert (training.parameters["create_masks"], training.parameters["steps"]) == (False, 10)


# --- Continuing -------------------------------------------------------------------------------------------------------


@pytest.fixture
def portrait(world: World) -> Model:
    return trained(world, trainer=PORTRAIT)


def test_continuing_sends_fal_a_link_to_the_parents_weights_and_keeps_none(world: World, portrait: Model) -> None:
    training = again(world, portrait, continues=True)
    world.run()
    sent = world.fal.runs["r2"].submission.arguments["resume_from_checkpoint"]
    (announced,) = [e for e in world.publisher.published if isinstance(e, DatasetPackaged) and e.parent_url]
    assert sent == announced.parent_url
    assert portrait.lora_uri.removeprefix("gs://models/") in sent
    now = world.of(training)
    assert now.sent is not None
    assert now.sent.fields["resume_from_checkpoint"] == "(a signed URL, not kept)"
    assert sent not in repr(now)
    assert sent not in repr(announced)

    model = delivered(world, training)
    assert (model.version, model.parent_model_id, model.continues) == (2, portrait.id, True)
    assert f"| Continues | the weights of `{portrait.id}`, version 1 |" in kept(world, f"{V2}README.md").decode()


def test_training_again_without_continuing_sends_no_weights(world: World, portrait: Model) -> None:
    again(world, portrait, parameters={"steps": 20})
    world.run()
    assert "resume_from_checkpoint" not in world.fal.runs["r2"].submission.arguments


def test_continuing_is_another_recipe_and_continuing_the_same_again_is_not(world: World, portrait: Model) -> None:
    delivered(world, again(world, portrait, continues=True))
    with pytest.raises(AlreadyTrained):
        again(world, portrait, "once more", continues=True)


def test_a_trainer_that_cannot_continue_says_so_before_anything_is_recorded(world: World) -> None:
    parent = trained(world)
    for trainer in (None, PORTRAIT):
        with pytest.raises(CannotContinue):
            again(world, parent, trainer=trainer, continues=True)
    assert len(world.fal.runs) == 1
    assert world.trainings.list_followed(limit=10) == []


def test_weights_that_are_gone_cannot_be_continued(world: World, portrait: Model) -> None:
    world.kept.delete(portrait.lora_uri.removeprefix("gs://models/"))
    with pytest.raises(CannotContinue, match="not in the bucket"):
        again(world, portrait, continues=True)


@pytest.mark.parametrize(("gone", "code"), [("model", "model_erased"), ("weights", "cannot_continue")])
def test_weights_that_go_before_they_are_sent_end_the_training_at_no_cost(
    world: World, portrait: Model, gone: str, code: str
) -> None:
    training = again(world, portrait, continues=True)
    if gone == "model":
        world.models.delete(portrait.id)
    else:
        world.kept.delete(portrait.lora_uri.removeprefix("gs://models/"))
    world.run()
    error = world.of(training).error
    assert error is not None
    assert (error.code, error.charged) == (code, False)
    assert len(world.fal.runs) == 1
    assert list(world.datasets.list("")) == []


def test_an_announcement_without_the_weights_is_never_submitted(world: World, portrait: Model) -> None:
    training = again(world, portrait, continues=True)
    world.deliver(TrainingRequested(training_id=training.id))
    announced = world.publisher.published[-1]
    assert isinstance(announced, DatasetPackaged)
    before = {name: getattr(announced, name) for name in ("training_id", "nonce", "archive_url", "expires_at")}
    world.deliver(DatasetPackaged(**before))
    assert (len(world.fal.runs), world.of(training).status) == (1, Status.REQUESTED)


def test_a_continued_training_that_failed_continues_when_it_is_retried(world: World, portrait: Model) -> None:
    training = again(world, portrait, continues=True)
    canceled = world.trainings.update(
        training.id, lambda t: t.canceled("by its user", at=world.clock.now(), charged=False)
    )
    successor = retry_training(canceled, world.desk)
    assert (successor.parent_model_id, successor.continues) == (portrait.id, True)


def test_a_retry_that_would_fail_for_ever_is_refused_and_tells_what_helps(world: World, portrait: Model) -> None:
    training = again(world, portrait, continues=True)
    world.models.update(portrait.id, lambda model: model.given_to("e_1"))
    world.run()
    failed = world.of(training)
    assert (failed.status, failed.remedy) == (Status.FAILED, Remedy.CHOOSE_MODEL)
    with pytest.raises(ModelErased):
        retry_training(failed, world.desk)
    assert world.of(training).successor_id is None


def test_a_retry_that_was_made_is_answered_also_when_the_model_is_deleted_since(world: World, portrait: Model) -> None:
    training = again(world, portrait, continues=True)
    canceled = world.trainings.update(
        training.id, lambda t: t.canceled("by its user", at=world.clock.now(), charged=False)
    )
    made = retry_training(canceled, world.desk)
    world.models.update(portrait.id, lambda model: model.given_to("e_1"))
    # the process had died before it noted what it began
    assert retry_training(canceled, world.desk).id == made.id


# --- What is kept of the dataset --------------------------------------------------------------------------------------


def test_the_manifest_goes_with_the_zip_and_stays_beside_the_model(world: World) -> None:
    training = world.start(without=["03"], captions={"04": "a wolf"})
    world.run()
    assert len(list(world.datasets.list(""))) == 2
    delivered(world, training, "r1")
    assert list(world.datasets.list("")) == []
    manifest = from_bytes(kept(world, f"{V1}dataset.json"))
    assert "03.jpg" not in manifest.pictures
    assert set(manifest.captions) == {"00.txt", "01.txt", "02.txt", "04.txt"}
    assert b"a wolf" not in kept(world, f"{V1}dataset.json")


def test_weights_that_are_recovered_later_tell_of_their_dataset_all_the_same(world: World) -> None:
    training = world.start()
    world.run()
    world.media.errors = [ArtifactUnavailable(reason="410")] * 2
    world.fal.end("r1")
    for attempt in (1, 5):
        event = world.report(training)
        try:
            world.deliver(event, attempt=attempt)
        except ArtifactUnavailable:
            continue
    assert world.of(training).is_recoverable
    assert list(world.datasets.list("")) == []
    assert world.recover(training).status is Status.SUCCEEDED
    assert len(from_bytes(kept(world, f"{V1}dataset.json")).pictures) == 12
    assert list(world.kept.list("incoming/")) == []


@pytest.mark.parametrize("damaged", [None, b"{"])
def test_a_manifest_that_is_lost_or_damaged_costs_nobody_a_model(world: World, damaged: bytes | None) -> None:
    training = world.start()
    world.run()
    (name,) = [found.name for found in world.datasets.list("") if found.name.endswith(".json")]
    world.datasets.delete(name)
    if damaged is not None:
        world.datasets.write(name, [damaged], content_type="application/json")
    delivered(world, training, "r1")
    assert world.kept.stat(f"{V1}dataset.json") is None


def test_a_parent_that_is_deleted_meanwhile_is_told_of_on_the_card(world: World) -> None:
    parent = trained(world)
    training = again(world, parent, parameters={"steps": 20})
    world.models.delete(parent.id)
    model = delivered(world, training)
    assert model.parent_model_id == parent.id
    assert f"`{parent.id}`, deleted since" in kept(world, f"{V2}README.md").decode()


def test_a_bucket_that_refuses_the_manifest_for_a_moment_is_asked_again(world: World) -> None:
    training = world.start()
    world.run()
    world.fal.end("r1")
    world.datasets.faults.fail("stat", StorageUnavailable(reason="down"))
    event = world.report(training)
    with pytest.raises(StorageUnavailable):
        world.deliver(event)
    world.deliver(event)
    assert json.loads(kept(world, f"{V1}dataset.json"))["pictures"]
    assert kept(world, f"{V1}red-riding-hood-v1.safetensors") == lora_weights()
