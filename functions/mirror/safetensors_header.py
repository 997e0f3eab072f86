"""The header of a safetensors file: names, types, shapes and places of its tensors. Pure.

A file is 8 bytes with the header's length (little-endian), the header as a JSON object, and the tensors'
bytes without a gap: https://huggingface.co/docs/safetensors. Failures are `ArtifactCorrupt`, with a reason.
What the format's own library refuses is refused here too, or a file would be kept that loads nowhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from shared.errors import ArtifactCorrupt

METADATA = "__metadata__"
MAX_DIMENSIONS = 16
MAX_COUNT = 2**63
MAX_DIGITS = 20
TENSOR_FIELDS = frozenset({"dtype", "shape", "data_offsets"})

BITS: Mapping[str, int] = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E5M2FNUZ": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E8M0": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor as the header describes it; `begin` and `end` are offsets into the data after the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """A header that was checked: its tensors in the order of their bytes, without gap or overlap."""

    tensors: Sequence[Tensor]
    metadata: Mapping[str, str]

    @property
    def data_bytes(self) -> int:
        """How many bytes follow the header."""
        return self.tensors[-1].end if self.tensors else 0


def parse_header(raw: bytes) -> Header:
    """The header in `raw`, the bytes after the length."""
    if raw[:1] != b"{":
        raise ArtifactCorrupt(reason="the header is not a JSON object")
    entries = _object(raw)
    metadata = _metadata(entries.pop(METADATA, {}))
    tensors = sorted((_tensor(name, entry) for name, entry in entries.items()), key=lambda t: (t.begin, t.end))
    _require_full_cover(tensors)
    return Header(tensors, metadata)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_unique, parse_int=_whole, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ArtifactCorrupt(reason="the header is not JSON") from error
    if not isinstance(value, dict):
        raise ArtifactCorrupt(reason="the header is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ArtifactCorrupt(reason="a name occurs twice in the header")
    for name, value in pairs:
        name.encode()  # UnicodeEncodeError where an escape is half of a character
        if isinstance(value, str):
            value.encode()
    return found


def _whole(text: str) -> int:
    if text == "-0" or len(text) > MAX_DIGITS:
        raise ValueError("no number of the format's")
    return int(text)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _metadata(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ArtifactCorrupt(reason="the metadata is not a map of texts")
    return value


def _tensor(name: str, entry: object) -> Tensor:
    fields = entry if isinstance(entry, dict) else {}
    dtype, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    label = f"tensor {name[:80]!r}"
    if not isinstance(dtype, str) or dtype not in BITS:
        raise ArtifactCorrupt(reason=f"{label} has an unknown type")
    if not _are_counts(shape) or len(shape) > MAX_DIMENSIONS:
        raise ArtifactCorrupt(reason=f"{label} has no shape")
    if not _are_counts(offsets) or len(offsets) != 2:
        raise ArtifactCorrupt(reason=f"{label} has no offsets")
    if any(isinstance(value, list | dict | float) for field, value in fields.items() if field not in TENSOR_FIELDS):
        raise ArtifactCorrupt(reason=f"{label} has a field that nobody knows")
    if math.prod(size or 1 for size in shape) * BITS[dtype] > MAX_COUNT:
        raise ArtifactCorrupt(reason=f"{label} has more bytes than there can be")
    begin, end = offsets
    if (end - begin) * 8 != math.prod(shape) * BITS[dtype]:
        raise ArtifactCorrupt(reason=f"{label} has a size that does not fit its shape and type")
    return Tensor(name, dtype, tuple(shape), begin, end)


def _are_counts(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(number) is int and 0 <= number < MAX_COUNT for number in value)


def _require_full_cover(tensors: Sequence[Tensor]) -> None:
    position = 0
    for tensor in tensors:
        if tensor.begin != position:
            how = "leave a gap" if tensor.begin > position else "overlap"
            raise ArtifactCorrupt(reason=f"the tensors {how} before {tensor.name[:80]!r}")
        position = tensor.end
