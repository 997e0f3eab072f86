"""The registry against fal.md §3, and the promises that every entry keeps."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from shared.errors import InvalidRequest
from shared.trainers import DEFAULT_TRAINER, PREPROCESSED, TRAINERS, Preset, TrainerSpec, checked, trainer
from shared.trainers.parameters import Kind

ENTRIES = [pytest.param(spec, id=spec.name) for spec in TRAINERS.values()]

# The rows of fal.md §3 once more, by hand: data field, trigger field, least pictures, steps (default, from, to, step),
# what else can be set with its default, and where the weights are in the output.
FAL_MD: dict[str, tuple[str, str | None, int, tuple[int, int, int, int | None], dict[str, object], list[str]]] = {
    "flux-lora-fast-training": (
        "images_data_url",
        "trigger_word",
        4,
        (1000, 1, 10_000, None),
        {"create_masks": True, "is_style": False, PREPROCESSED: True},
        ["diffusers_lora_file"],
    ),
    "flux-lora-portrait-trainer": (
        "images_data_url",
        "trigger_phrase",
        10,
        (2500, 1, 10_000, None),
        {"learning_rate": 9e-5, "multiresolution_training": True, "subject_crop": True, "create_masks": False},
        ["diffusers_lora_file"],
    ),
    "turbo-flux-trainer": (
        "images_data_url",
        "trigger_phrase",
        10,
        (1000, 1, 10_000, None),
        {"learning_rate": 1.15e-3, "training_style": "subject", "face_crop": True},
        ["diffusers_lora_file"],
    ),
    "flux-2-trainer": (
        "image_data_url",
        None,
        10,
        (1000, 100, 10_000, 100),
        {"learning_rate": 5e-5, "default_caption": "", "output_lora_format": "fal"},
        ["diffusers_lora_file"],
    ),
    "qwen-image-2512-trainer": (
        "image_data_url",
        None,
        4,
        (1000, 100, 30_000, 100),
        {"learning_rate": 5e-4, "default_caption": ""},
        ["diffusers_lora_file"],
    ),
    "z-image-trainer": (
        "image_data_url",
        None,
        10,
        (1000, 100, 10_000, 100),
        {"learning_rate": 1e-4, "default_caption": "", "training_type": "balanced"},
        ["diffusers_lora_file"],
    ),
    "wan-22-image-trainer": (
        "training_data_url",
        "trigger_phrase",
        4,
        (1000, 10, 6000, None),
        {
            "learning_rate": 7e-4,
            "use_face_detection": True,
            "use_face_cropping": False,
            "use_masks": True,
            "include_synthetic_captions": False,
            "is_style": False,
        },
        ["diffusers_lora_file", "high_noise_lora"],
    ),
}


@pytest.mark.parametrize("name", FAL_MD)
def test_an_entry_says_what_fal_md_says(name: str) -> None:
    data_field, trigger_field, minimum, steps, others, weights = FAL_MD[name]
    spec = trainer(name)
    assert (spec.data_field, spec.trigger_field, spec.minimum_images) == (data_field, trigger_field, minimum)
    known = {parameter.name: parameter for parameter in spec.parameters}
    told = known["steps"]
    assert (told.default, told.minimum, told.maximum, told.step) == steps
    assert {name: p.default for name, p in known.items() if name != "steps"} == others
    assert [output.output for output in spec.weights] == weights


def test_the_flag_of_the_product_is_what_fal_ai_would_not_do_by_itself() -> None:
    (flag,) = [parameter for parameter in trainer(DEFAULT_TRAINER).parameters if parameter.name == PREPROCESSED]
    assert (flag.default, flag.fal_default) == (True, False)
    assert [spec.name for spec in TRAINERS.values() if PREPROCESSED in checked(spec, {})] == ["flux-lora-fast-training"]


@pytest.mark.parametrize(
    ("name", "resume_field"), [("flux-lora-portrait-trainer", "resume_from_checkpoint"), ("turbo-flux-trainer", None)]
)
def test_what_can_be_continued_is_known(name: str, resume_field: str | None) -> None:
    assert trainer(name).resume_field == resume_field


PICTURES = {
    "flux-lora-fast-training": "fal-ai/flux-lora",
    "flux-lora-portrait-trainer": "fal-ai/flux-lora",
    "turbo-flux-trainer": "fal-ai/flux-lora",
    "flux-2-trainer": "fal-ai/flux-2/lora",
    "qwen-image-2512-trainer": "fal-ai/qwen-image-2512/lora",
    "z-image-trainer": "fal-ai/z-image/turbo/lora",
    "wan-22-image-trainer": "fal-ai/wan/v2.2-a14b/text-to-image/lora",
}


@pytest.mark.parametrize("name", PICTURES)
def test_how_pictures_are_made_with_a_lora_is_known_and_sourced(name: str) -> None:
    pictures = trainer(name).base_model.pictures
    assert pictures is not None
    assert (pictures.endpoint, pictures.loras_field) == (PICTURES[name], "loras")
    assert pictures.source
    assert pictures.price is None or pictures.price.source.startswith("https://fal.ai/"), "fal.ai's own, or none"


def test_the_two_files_of_wan_go_into_the_transformer_that_each_is_for() -> None:
    assert {output.part: output.in_loras for output in trainer("wan-22-image-trainer").weights} == {
        "low-noise": {"transformer": "low"},
        "high-noise": {"transformer": "high"},
    }


@pytest.mark.parametrize("spec", ENTRIES)
def test_every_entry_names_its_source_and_speaks_to_users(spec: TrainerSpec) -> None:
    assert spec.source[0] == "fal.md §3"
    assert spec.title and spec.summary.endswith(".")
    for parameter in spec.parameters:
        assert parameter.title and parameter.help.endswith("."), parameter.name


@pytest.mark.parametrize("spec", ENTRIES)
def test_every_default_and_every_preset_fits_its_own_trainer(spec: TrainerSpec) -> None:
    defaults = checked(spec, {})
    assert set(defaults) == {parameter.name for parameter in spec.parameters}
    for preset, values in spec.presets.items():
        assert checked(spec, {}, preset) == {**defaults, **values}


@pytest.mark.parametrize("spec", ENTRIES)
def test_no_field_means_two_things(spec: TrainerSpec) -> None:
    names = [parameter.name for parameter in spec.parameters]
    assert len(names) == len(set(names))
    assert not spec.own_fields & set(names)
    outputs = [*(output.output for output in spec.weights), spec.config_field]
    assert len(outputs) == len(set(outputs))
    parts = [output.part for output in spec.weights]
    assert len(parts) == len(set(parts)), "the files of a model are told apart by their parts"


@pytest.mark.parametrize("spec", ENTRIES)
def test_what_an_entry_refers_to_is_one_of_its_parameters(spec: TrainerSpec) -> None:
    kinds = {parameter.name: parameter.kind for parameter in spec.parameters}
    assert spec.masks is None or kinds[spec.masks] is Kind.BOOLEAN
    assert spec.default_caption is None or kinds[spec.default_caption] is Kind.TEXT
    assert spec.price is None or kinds[spec.price.parameter] is Kind.INTEGER
    # without a field for it, the trigger word must come into captions that are not there
    assert spec.trigger_field or spec.default_caption


def test_persons_and_costumes_can_be_trained_with_every_trainer() -> None:
    assert all({Preset.PERSON, Preset.COSTUME} <= set(spec.presets) for spec in TRAINERS.values())


def test_a_trainer_is_found_by_its_endpoint_and_by_its_short_name() -> None:
    assert trainer("fal-ai/z-image-trainer") is trainer("z-image-trainer")
    assert trainer(DEFAULT_TRAINER) is next(iter(TRAINERS.values()))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("fal-ai/z-image-trainerr", "did you mean z-image-trainer"),
        ("flux-2-trainr", "did you mean flux-2-trainer"),
        ("nothing like it", "there is flux-lora-fast-training, flux-lora-portrait-trainer"),
        ("x" * 10_000, "x" * 80 + ";"),
    ],
)
def test_a_trainer_that_there_is_not_is_refused_with_those_that_there_are(name: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        trainer(name)


# What each version of an entry sends to fal.ai, as a digest: who changes an entry raises its version and writes here
# the digest that the failure shows, so that the version kept with a training always tells what was in force.
VERSIONS = {
    ("flux-lora-fast-training", 1): "1876a2ddc1d2",
    ("flux-lora-portrait-trainer", 1): "29fd14288772",
    ("turbo-flux-trainer", 1): "7e06425738ae",
    ("flux-2-trainer", 1): "15d90c530be6",
    ("qwen-image-2512-trainer", 1): "5bfd4de22862",
    ("z-image-trainer", 1): "7c3233be2962",
    ("wan-22-image-trainer", 1): "ec4dcda7e15a",
    ("wan-22-image-trainer", 2): "be89697a8e57",
}


@pytest.mark.parametrize("spec", ENTRIES)
def test_an_entry_that_changed_has_a_new_version(spec: TrainerSpec) -> None:
    assert VERSIONS.get((spec.name, spec.version)) == digest_of(spec)


def test_no_entry_disappears_while_trainings_and_models_of_it_are_kept() -> None:
    assert {name for name, _ in VERSIONS} <= {spec.name for spec in TRAINERS.values()}


# The words for users, and how a form asks, may change without anything being sent otherwise.
WORDS = {"title", "summary", "help", "source", "price", "advanced", "usual_maximum"}


def digest_of(spec: TrainerSpec) -> str:
    """Everything of the entry that fal.ai gets to see or that we read of its answer."""
    return hashlib.sha256(repr(_told(spec)).encode()).hexdigest()[:12]


def _told(value: object) -> object:
    """What is said, without what is left at its default: a new kind of knowledge changes no old entry."""
    if isinstance(value, tuple):
        return [_told(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    said = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.name not in WORDS}
    defaults = {field.name: field.default for field in dataclasses.fields(value)}
    return sorted((name, _told(item)) for name, item in said.items() if item != defaults[name] and item != {})
