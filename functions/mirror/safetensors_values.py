"""Samples of the values in a safetensors file: which bytes to look at, and what they hold. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from functions.mirror.lora import factor_of
from functions.mirror.safetensors_header import Tensor

PROBES = 4096
PROBES_PER_TENSOR = 8
PROBE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Layout:
    """How a type's values lie in memory: the struct code, the magnitude's bits, the least that is not finite.

    Read as an integer, a magnitude from infinity upwards is infinite or no number. None where all are finite.
    """

    code: str
    magnitude: int
    not_finite: int | None = None


_BYTE = Layout("B", 0xFF)

LAYOUTS: Mapping[str, Layout] = {
    "F16": Layout("H", 0x7FFF, 0x7C00),
    "BF16": Layout("H", 0x7FFF, 0x7F80),
    "F32": Layout("I", 0x7FFF_FFFF, 0x7F80_0000),
    "C64": Layout("I", 0x7FFF_FFFF, 0x7F80_0000),
    "F64": Layout("Q", 0x7FFF_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000),
    "F8_E5M2": Layout("B", 0x7F, 0x7C),
    "F8_E4M3": Layout("B", 0x7F, 0x7F),
    "F8_E8M0": Layout("B", 0xFF, 0xFF),
}


@dataclass(frozen=True, slots=True)
class Probe:
    """A run of `length` bytes to look at, at `offset` in the data; `factor`: whether it is a LoRA's."""

    offset: int
    length: int
    layout: Layout
    factor: bool


@dataclass(frozen=True, slots=True)
class Values:
    """What a probe saw."""

    finite: bool
    zero: bool


def probes_of(tensors: Sequence[Tensor]) -> Iterator[Probe]:
    """Where to look: evenly from each tensor's first to its last value, in the order of the bytes.

    At most PROBES, or one per tensor where there are more tensors than that.
    """
    for tensor in tensors:
        layout, factor = LAYOUTS.get(tensor.dtype, _BYTE), factor_of(tensor.name) is not None
        width, size = struct.calcsize(layout.code), tensor.end - tensor.begin
        length = min(PROBE_BYTES, size)
        places = min(PROBES_PER_TENSOR, max(1, PROBES // len(tensors)), size // length if length else 0)
        for place in range(places):
            values = (size - length) // width * place // max(1, places - 1)
            yield Probe(tensor.begin + values * width, length, layout, factor)


def values_in(probe: Probe, data: bytes | memoryview, position: int = 0) -> Values:
    """What lies in the probe's bytes, which begin at `position` in `data`."""
    layout = probe.layout
    count = probe.length // struct.calcsize(layout.code)
    magnitudes = [bits & layout.magnitude for bits in struct.unpack_from(f"<{count}{layout.code}", data, position)]
    limit = layout.not_finite
    return Values(finite=limit is None or max(magnitudes) < limit, zero=not any(magnitudes))
