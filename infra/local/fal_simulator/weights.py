"""Makes LoRA weights as a real safetensors file, deterministic and one tensor in memory at a time."""

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path

RANK = 16
WIDTH = 3072
TENSOR_BYTES = RANK * WIDTH * 2
_SPARE = 32
_MODULES = ("attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0")
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


def write_weights(path: Path, *, seed: str, megabytes: float, content: Content = Content.GOOD) -> MadeFile:
    """Write a LoRA of rank 16 in BF16; seed and `megabytes` decide its bytes, `content` not its size."""
    names = list(_tensor_names(max(1, round(megabytes * 1_000_000 / (2 * TENSOR_BYTES)))))
    header = _header(names, overrun=64 if content is Content.CORRUPT else 0)
    next_tensor = _tensor_maker(content, random.Random(seed))
    return write_file(path, chain([header], (next_tensor() for _ in names)))


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


def _tensor_names(modules: int) -> Iterator[str]:
    for index in range(modules):
        block, module = divmod(index, len(_MODULES))
        for side in ("lora_A", "lora_B"):
            yield f"transformer.transformer_blocks.{block}.{_MODULES[module]}.{side}.weight"


def _header(names: list[str], *, overrun: int) -> bytes:
    """The safetensors header; with an overrun the last tensor claims bytes that are not there."""
    tensors: dict[str, object] = {"__metadata__": {"format": "pt"}}
    for index, name in enumerate(names):
        shape = [RANK, WIDTH] if "lora_A" in name else [WIDTH, RANK]
        end = (index + 1) * TENSOR_BYTES + (overrun if index == len(names) - 1 else 0)
        tensors[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [index * TENSOR_BYTES, end]}
    plain = json.dumps(tensors, separators=(",", ":")).encode()
    rounded = -(-(len(plain) + _SPARE) // 64) * 64
    return rounded.to_bytes(8, "little") + plain.ljust(rounded)


def _tensor_maker(content: Content, source: random.Random) -> Callable[[], bytes]:
    """A function that makes the next tensor's bytes."""
    if content is Content.ZEROS:
        return lambda: bytes(TENSOR_BYTES)
    if content is Content.NAN:
        return lambda: b"\xc0\x7f" * (TENSOR_BYTES // 2)

    def small_numbers() -> bytes:
        tensor = bytearray(TENSOR_BYTES)
        tensor[0::2] = source.randbytes(TENSOR_BYTES // 2)
        tensor[1::2] = source.randbytes(TENSOR_BYTES // 2).translate(_SMALL_EXPONENTS)
        return bytes(tensor)

    return small_numbers
