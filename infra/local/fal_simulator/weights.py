"""Makes LoRA weights as a real safetensors file, deterministic and one tensor in memory at a time."""

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from infra.local.fal_simulator.lora_names import DIFFUSERS, RANK, Naming, tensors_of

BYTES_PER_VALUE = 2
_SPARE = 32
_NO_METADATA: Mapping[str, str] = MappingProxyType({})
# The upper byte of a BF16 is its sign and most of its exponent: these make values between 0.002 and 0.03.
_SMALL_EXPONENTS = bytes((0x3B, 0x3C, 0xBB, 0xBC)[value % 4] for value in range(256))


class Content(StrEnum):
    """What the tensors hold, or how the file is broken."""

    GOOD = "good"
    ZEROS = "zeros"
    NAN = "nan"
    CORRUPT = "corrupt"


@dataclass(frozen=True)
class MadeFile:
    """Size and digest of a file that was written."""

    size: int
    sha256: str


def write_weights(
    path: Path,
    *,
    seed: str,
    megabytes: float,
    naming: Naming = DIFFUSERS,
    content: Content = Content.GOOD,
    metadata: Mapping[str, str] = _NO_METADATA,
) -> MadeFile:
    """Write a LoRA of rank 16 in BF16; seed, `naming` and `megabytes` decide its bytes, `content` not its size.

    `metadata` goes into its header.
    """
    tensor_bytes = RANK * naming.width * BYTES_PER_VALUE
    tensors = dict(tensors_of(naming, max(1, round(megabytes * 1_000_000 / (2 * tensor_bytes)))))
    header = _header(tensors, tensor_bytes, metadata, overrun=64 if content is Content.CORRUPT else 0)
    next_tensor = _tensor_maker(content, random.Random(seed), tensor_bytes)
    return write_file(path, chain([header], (next_tensor() for _ in tensors)))


def write_file(path: Path, parts: Iterable[bytes]) -> MadeFile:
    """Write the parts to `path` so that it is either whole or absent, and say what was written."""
    digest, size = hashlib.sha256(), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{random.SystemRandom().randrange(2**32):x}")
    with unfinished.open("wb") as file:
        for part in parts:
            file.write(part)
            digest.update(part)
            size += len(part)
    unfinished.replace(path)
    return MadeFile(size, digest.hexdigest())


def _header(
    tensors: Mapping[str, tuple[int, int]], tensor_bytes: int, metadata: Mapping[str, str], *, overrun: int
) -> bytes:
    """The safetensors header; with an overrun the last tensor claims bytes that are not there."""
    told: dict[str, object] = {"__metadata__": {"format": "pt", **metadata}}
    for index, (name, shape) in enumerate(tensors.items()):
        end = (index + 1) * tensor_bytes + (overrun if index == len(tensors) - 1 else 0)
        told[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [index * tensor_bytes, end]}
    plain = json.dumps(told, separators=(",", ":")).encode()
    rounded = -(-(len(plain) + _SPARE) // 64) * 64
    return rounded.to_bytes(8, "little") + plain.ljust(rounded)


def _tensor_maker(content: Content, source: random.Random, tensor_bytes: int) -> Callable[[], bytes]:
    """A function that makes the next tensor's bytes."""
    if content is Content.ZEROS:
        return lambda: bytes(tensor_bytes)
    if content is Content.NAN:
        return lambda: b"\xc0\x7f" * (tensor_bytes // 2)

    def small_numbers() -> bytes:
        tensor = bytearray(tensor_bytes)
        tensor[0::2] = source.randbytes(tensor_bytes // 2)
        tensor[1::2] = source.randbytes(tensor_bytes // 2).translate(_SMALL_EXPONENTS)
        return bytes(tensor)

    return small_numbers
