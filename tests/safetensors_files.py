"""Safetensors files for tests: whole ones as the real library writes them, and any other that bytes can make."""

from __future__ import annotations

import ctypes
import json
import struct
from typing import Any

import safetensors

DOWN, UP = "unet.to_q.lora_A.weight", "unet.to_q.lora_B.weight"
# The names of the real library's types, with the bytes of a small number in each.
NUMBERS = {
    "float64": ("F64", struct.pack("<d", 0.5)),
    "float32": ("F32", struct.pack("<f", 0.5)),
    "float16": ("F16", struct.pack("<e", 0.5)),
    "bfloat16": ("BF16", b"\x00\x3f"),
    "float8_e4m3fn": ("F8_E4M3", b"\x30"),
    "float8_e5m2": ("F8_E5M2", b"\x38"),
    "int8": ("I8", b"\x05"),
    "uint16": ("U16", b"\x05\x00"),
    "int64": ("I64", b"\x05" + bytes(7)),
}


def a_lora(dtype: str = "bfloat16", rank: int = 4, width: int = 24, value: bytes | None = None) -> bytes:
    """A LoRA of one layer as the real library writes it, every number the same."""
    number = NUMBERS[dtype][1] if value is None else value
    data = number * (rank * width)
    memory = ctypes.create_string_buffer(data, len(data))
    place: dict[str, Any] = {"dtype": dtype, "data_ptr": ctypes.addressof(memory), "data_len": len(data)}
    tensors = {
        DOWN: safetensors.TensorSpec(shape=[rank, width], **place),
        UP: safetensors.TensorSpec(shape=[width, rank], **place),
    }
    return bytes(safetensors.serialize(tensors, {"format": "pt"}))


def a_file(header: object, data: bytes = b"") -> bytes:
    """A file with any header, a text or what becomes JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(begin: int, end: int, shape: Any = None, dtype: Any = "U8") -> dict[str, Any]:
    """A tensor of the header; a row of bytes where nothing else is said."""
    return {
        "dtype": dtype,
        "shape": [1, end - begin] if shape is None else shape,
        "data_offsets": [begin, end],
    }


def pair(**changes: Any) -> dict[str, Any]:
    """The header of a good pair of 4 bytes each, with changes."""
    return {DOWN: entry(0, 4), UP: entry(4, 8), **changes}
