"""Presets: what users want to teach, in their words; what each one sets is in the trainers' entries. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.errors import InvalidRequest
from shared.trainers.entry import Preset, TrainerSpec
from shared.trainers.parameters import Value


@dataclass(frozen=True, kw_only=True)
class PresetWords:
    """What a preset is called, and when to take it."""

    title: str
    help: str


PRESET_WORDS: Mapping[Preset, PresetWords] = MappingProxyType(
    {
        Preset.PERSON: PresetWords(
            title="A person",
            help="Learns a face: looks most at the person, whatever they wear.",
        ),
        Preset.COSTUME: PresetWords(
            title="A costume",
            help="Learns clothes and props: looks at the whole picture, not at the face alone.",
        ),
        Preset.STYLE: PresetWords(
            title="A style",
            help="Learns how the pictures look: colours, light and strokes, not what they show.",
        ),
    }
)


def preset_values(spec: TrainerSpec, name: str | None) -> Mapping[str, Value]:
    """What the preset of that name sets for this trainer, nothing without a name; `InvalidRequest` with what it has."""
    if name is None:
        return {}
    if name not in spec.presets:
        offered = ", ".join(spec.presets) or "none"
        raise InvalidRequest(reason=f"the trainer {spec.name} has no preset {name[:80]}; it has {offered}")
    return spec.presets[Preset(name)]
