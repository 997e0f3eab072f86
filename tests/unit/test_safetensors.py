"""Whole LoRA files pass, in any pieces; everything else is refused with the reason."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.mirror.lora import Factor, factor_of
from functions.mirror.safetensors import WeightsCheck
from functions.mirror.safetensors_header import BITS, parse_header
from functions.mirror.safetensors_values import PROBES, probes_of
from shared.errors import ArtifactCorrupt
from shared.models import Weights
from tests.safetensors_files import DOWN, NUMBERS, UP, a_file, a_lora, entry, pair


def checked(data: bytes, pieces: Iterator[int] | None = None, size: int | None = None) -> Weights:
    """What the check says of `data`, fed in pieces of the given lengths."""
    check, position = WeightsCheck(size=size), 0
    while position < len(data):
        length = next(pieces) if pieces else len(data)
        check.feed(data[position : position + length])
        position += length
    return check.finish()


@pytest.mark.parametrize("dtype", NUMBERS)
def test_a_file_of_the_real_library_passes_in_every_type(dtype: str) -> None:
    assert checked(a_lora(dtype)) == Weights(tensors=2, rank=4, dtype=NUMBERS[dtype][0], format="pt")


@given(data=st.data(), dtype=st.sampled_from(sorted(NUMBERS)), rank=st.integers(1, 9), width=st.integers(10, 70))
@settings(max_examples=60, deadline=None)
def test_it_does_not_matter_in_which_pieces_a_file_comes(
    data: st.DataObject, dtype: str, rank: int, width: int
) -> None:
    file = a_lora(dtype, rank, width)
    lengths = iter(lambda: data.draw(st.integers(1, 400)), None)
    assert checked(file, lengths) == checked(file, size=len(file)) == checked(file)


@given(position=st.integers(0, 191), length=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_not_a_number_is_found_in_whichever_piece_it_lies(position: int, length: int) -> None:
    """Every byte of so small a file is sampled, also where a sample lies across two pieces."""
    clean = a_lora("bfloat16", rank=2, width=24)
    start = len(clean) - 192 + position // 2 * 2
    broken = clean[:start] + b"\xc0\x7f" + clean[start + 2 :]
    with pytest.raises(ArtifactCorrupt, match="infinite or not a number"):
        checked(broken, iter(lambda: length, None))


@given(junk=st.binary(max_size=300))
def test_no_bytes_whatever_do_anything_but_fail_as_corrupt(junk: bytes) -> None:
    with pytest.raises(ArtifactCorrupt):
        checked(junk)
    with pytest.raises(ArtifactCorrupt):
        checked(a_file(b"{" + junk))


@given(cut=st.integers(0, 500), more=st.binary(min_size=1, max_size=9))
def test_a_file_that_is_too_short_or_too_long_never_passes(cut: int, more: bytes) -> None:
    file = a_lora()
    with pytest.raises(ArtifactCorrupt):
        checked(file[: min(cut, len(file) - 1)])
    with pytest.raises(ArtifactCorrupt, match="longer than their header says"):
        checked(file + more)


BROKEN = {
    "nothing": (b"", "end inside their header"),
    "half a length": (b"\x08\x00", "end inside their header"),
    "half a header": (a_file(pair())[:30], "end inside their header"),
    "a web page": (b"<!DOCTYPE html><html><body>Not found</body></html>", "the header would have"),
    "an empty header": (struct.pack("<Q", 0) + b"{}", "the header would have 0 bytes"),
    "a huge header": (struct.pack("<Q", 1 << 40) + b"{", "the header would have"),
    "no object": (a_file([1]), "not a JSON object"),
    "no JSON": (a_file(b"{nonsense"), "not JSON"),
    "no UTF-8": (a_file(b'{"\xff": 1}'), "not JSON"),
    "UTF-16": (a_file('{"a": 1}'.encode("utf-16-le")), "not JSON"),
    "a nested header": (a_file(b'{"a": ' + b"[" * 200_000), "not JSON"),
    "a number of a million digits": (a_file(b'{"a": ' + b"1" * 1_000_000 + b"}"), "not JSON"),
    "a name twice": (a_file(b'{"a": 1, "a": 2}'), "occurs twice"),
    "a field twice": (a_file(b'{"a": {"dtype": "U8", "dtype": "I8"}}'), "occurs twice"),
    "metadata of numbers": (a_file(pair(__metadata__={"a": 1}), bytes(8)), "metadata"),
    "no description": (a_file(pair(a=7)), "'a' has an unknown type"),
    "an unknown type": (a_file(pair(a=entry(8, 9, dtype="F7"))), "'a' has an unknown type"),
    "a type that is a list": (a_file(pair(a=entry(8, 9, dtype=["U8"]))), "'a' has an unknown type"),
    "no shape": (a_file(pair(a={"dtype": "U8", "data_offsets": [8, 9]})), "'a' has no shape"),
    "a negative shape": (a_file(pair(a=entry(8, 9, shape=[-1]))), "'a' has no shape"),
    "a shape of truths": (a_file(pair(a=entry(8, 9, shape=[True]))), "'a' has no shape"),
    "a shape of fractions": (a_file(pair(a=entry(8, 9, shape=[1.0]))), "'a' has no shape"),
    "a shape without end": (a_file(pair(a=entry(8, 9, shape=[1] * 17))), "'a' has no shape"),
    "no offsets": (a_file(pair(a={"dtype": "U8", "shape": [1]})), "'a' has no offsets"),
    "three offsets": (a_file(pair(a={"dtype": "U8", "shape": [1], "data_offsets": [8, 9, 9]})), "no offsets"),
    "offsets the wrong way": (a_file(pair(a=entry(9, 8, shape=[1]))), "does not fit its shape"),
    "a size beside the shape": (a_file(pair(a=entry(8, 10, shape=[3]))), "does not fit its shape"),
    "half a byte": (a_file(pair(a=entry(8, 9, shape=[1], dtype="F4"))), "does not fit its shape"),
    "a hole": (a_file({DOWN: entry(0, 4), UP: entry(5, 9)}, b"\1" * 9), "leave a gap before"),
    "a hole at the start": (a_file({DOWN: entry(1, 5), UP: entry(5, 9)}, b"\1" * 9), "leave a gap before"),
    "an overlap": (a_file({DOWN: entry(0, 4), UP: entry(3, 7)}, b"\1" * 7), "overlap before"),
    "the same place twice": (a_file({DOWN: entry(0, 4), UP: entry(0, 4)}, b"\1" * 4), "overlap before"),
    "too little data": (a_file(pair(), b"\1" * 7), "1 bytes shorter than their header says"),
    "too much data": (a_file(pair(), b"\1" * 9), "longer than their header says"),
    "no tensors": (a_file({}), "there are no LoRA tensors"),
    "no LoRA": (a_file({"model.weight": entry(0, 4)}, b"\1" * 4), "there are no LoRA tensors"),
    "half a LoRA": (a_file({DOWN: entry(0, 4)}, b"\1" * 4), "half of the LoRA is missing"),
    "only zeros": (a_file(pair(), bytes(8)), "every sampled weight is zero"),
    "zeros but an alpha": (a_file(pair(alpha=entry(8, 9)), bytes(8) + b"\1"), "every sampled weight is zero"),
    "negative zeros": (a_lora("float32", value=b"\0\0\0\x80"), "every sampled weight is zero"),
    "NaN in F64": (a_lora("float64", value=struct.pack("<d", float("nan"))), "infinite or not a number"),
    "infinity in F32": (
        a_lora("float32", value=struct.pack("<f", float("-inf"))),
        "infinite or not a number",
    ),
    "NaN in F16": (a_lora("float16", value=b"\x01\x7c"), "infinite or not a number"),
    "infinity in BF16": (a_lora("bfloat16", value=b"\x80\xff"), "infinite or not a number"),
    "NaN in F8_E4M3": (a_lora("float8_e4m3fn", value=b"\xff"), "infinite or not a number"),
    "infinity in F8_E5M2": (a_lora("float8_e5m2", value=b"\x7c"), "infinite or not a number"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_with_the_reason(name: str) -> None:
    file, reason = BROKEN[name]
    with pytest.raises(ArtifactCorrupt, match=reason):
        checked(file)
    with pytest.raises(ArtifactCorrupt, match=reason):
        checked(file, iter(lambda: 4096, None))


def test_the_real_library_refuses_the_structures_that_we_refuse() -> None:
    """No opinion of our own: gaps, overlaps, sizes and unknown types are errors to everybody."""
    for name in (
        "a hole",
        "an overlap",
        "a size beside the shape",
        "too little data",
        "too much data",
        "an unknown type",
    ):
        with pytest.raises(safetensors.SafetensorError):
            safetensors.deserialize(BROKEN[name][0])


def test_a_size_that_is_known_finds_a_wrong_file_at_its_header() -> None:
    file = a_lora()
    with pytest.raises(ArtifactCorrupt, match="shorter than their header says"):
        WeightsCheck(size=len(file) - 1).feed(file[:-200])
    with pytest.raises(ArtifactCorrupt, match="longer than their header says"):
        WeightsCheck(size=len(file) + 1).feed(file[:-200])
    with pytest.raises(ArtifactCorrupt, match="the header would have"):
        WeightsCheck(size=20).feed(file[:8])


def test_a_header_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(ArtifactCorrupt, match="the header would have"):
        WeightsCheck(max_header_bytes=100).feed(struct.pack("<Q", 101))


@pytest.mark.parametrize(
    ("down", "up"),
    [
        ("transformer.blocks.0.to_q.lora_A.weight", "transformer.blocks.0.to_q.lora_B.weight"),
        ("base_model.model.q.lora_A.default.weight", "base_model.model.q.lora_B.default.weight"),
        ("base_model.model.wte.lora_embedding_A", "base_model.model.wte.lora_embedding_B"),
        ("diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight", "diffusion_model.x.lora_B.weight"),
        (
            "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight",
            "lora_unet_double_blocks_0.lora_up.weight",
        ),
        ("lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", "lora_te_x.lora_up.weight"),
        (
            "unet.mid_block.attn1.processor.to_q_lora.down.weight",
            "unet.mid_block.processor.to_q_lora.up.weight",
        ),
        ("unet.to_q.lora.down.weight", "unet.to_q.lora.up.weight"),
        (
            "text_encoder.q_proj.lora_linear_layer.down.weight",
            "text_encoder.q_proj.lora_linear_layer.up.weight",
        ),
        ("double_blocks.0.processor.qkv_lora1.down.weight", "double_blocks.0.processor.proj_lora2.up.weight"),
        ("transformer.single_transformer_blocks.0.attn.to_k.lora.down.weight", "transformer.x.lora.up.weight"),
        ("transformer_blocks.0.attn.add_q_proj.lora_A.default.weight", "transformer_blocks.0.x.lora_B.default.weight"),
        (
            "diffusion_model.blocks.0.self_attn.q.lora_down.weight",
            "diffusion_model.blocks.0.self_attn.q.lora_up.weight",
        ),
        ("diffusion_model.layers.0.attention.to_q.lora_A.weight", "diffusion_model.layers.0.x.lora_B.weight"),
        ("lora_unet_blocks_0_cross_attn_k.lora_down.weight", "lora_unet_blocks_0_cross_attn_k.lora_up.weight"),
    ],
)
def test_the_names_of_every_tool_are_understood(down: str, up: str) -> None:
    assert (factor_of(down), factor_of(up)) == (Factor.DOWN, Factor.UP)
    header = {down: entry(0, 6, shape=[2, 3]), up: entry(6, 12, shape=[3, 2])}
    assert checked(a_file(header, b"\1" * 12)).rank == 2


@pytest.mark.parametrize(
    "name", ["lora_unet_x.alpha", "lora_unet_x.weight", "down_blocks.0.weight", "explora_A.weight"]
)
def test_other_names_are_no_factors(name: str) -> None:
    assert factor_of(name) is None


def test_the_rank_is_that_of_most_layers_and_of_convolutions_too() -> None:
    shapes = {"a": 8, "b": 8, "c": 4}
    header: dict[str, Any] = {}
    end = 0
    for name, rank in shapes.items():
        for side, shape in (("lora_down", [rank, 2, 3, 3]), ("lora_up", [2, rank, 1, 1])):
            size = shape[0] * shape[1] * shape[2] * shape[3]
            header[f"{name}.{side}.weight"] = entry(end, end + size, shape=shape)
            end += size
    assert checked(a_file(header, b"\1" * end)).rank == 8


def test_the_rank_of_flat_factors_is_not_known() -> None:
    assert checked(a_file({DOWN: entry(0, 4, shape=[4]), UP: entry(4, 8, shape=[4])}, b"\1" * 8)).rank is None


@pytest.mark.parametrize("extra", ["x.alpha", "x.dora_scale", "x.lora_magnitude_vector", "x.diff_b", "x.lora_B.bias"])
def test_what_trainers_write_beside_the_factors_is_fine(extra: str) -> None:
    assert checked(a_file(pair(**{extra: entry(8, 12, shape=[4])}), b"\1" * 12)).tensors == 3


def test_empty_tensors_and_scalars_beside_the_factors_are_fine() -> None:
    header = pair(empty=entry(4, 4, shape=[0]), alpha=entry(8, 12, shape=[], dtype="F32"))
    assert checked(a_file(header, b"\1" * 8 + struct.pack("<f", 16))).tensors == 4


def test_every_type_that_the_format_has_can_be_sampled() -> None:
    for dtype, bits in BITS.items():
        size = bits
        header = {
            DOWN: entry(0, size, shape=[8, 1], dtype=dtype),
            UP: entry(size, 2 * size, shape=[1, 8], dtype=dtype),
        }
        assert checked(a_file(header, b"\1" * 2 * size)).dtype == dtype


def test_work_and_memory_do_not_grow_with_the_bytes() -> None:
    """512 MiB in pieces of 1 MiB take well under half a second, and few samples."""
    half = 256 << 20
    header = {DOWN: entry(0, half, shape=[16, half // 32], dtype="BF16")}
    header[UP] = entry(half, 2 * half, shape=[half // 32, 16], dtype="BF16")
    piece, check = b"\x00\x3f" * (1 << 19), WeightsCheck()
    started = time.perf_counter()
    check.feed(a_file(header))
    for _ in range(512):
        check.feed(piece)
    assert check.finish().rank == 16
    assert time.perf_counter() - started < 0.5


def test_samples_are_bounded_and_reach_both_ends_of_every_tensor() -> None:
    header = {f"{i:05}.lora_A.weight": entry(i * 100, (i + 1) * 100) for i in range(3000)}
    parsed = parse_header(json.dumps(header).encode())
    assert len(list(probes_of(parsed.tensors))) <= PROBES
    few = list(probes_of(parsed.tensors[:1]))
    assert (few[0].offset, few[-1].offset + few[-1].length) == (0, 100)
