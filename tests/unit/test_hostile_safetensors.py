"""Files that want to pass for weights, or to break who looks at them. The real library is the judge of what is one."""

from __future__ import annotations

import json
import random
import struct
import tracemalloc
from typing import Any

import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.mirror.safetensors import MAX_HEADER_BYTES, WeightsCheck
from functions.mirror.safetensors_header import BITS, parse_header
from shared.errors import ArtifactCorrupt
from shared.models import Weights
from tests.safetensors_files import DOWN, UP, a_file, a_lora, entry, pair

DATA = b"\1" * 8
MIB = 1 << 20


def verdict(file: bytes, piece: int = 0) -> Weights | str:
    """What the check says of the file, fed whole or in pieces: its weights, or the reason why it is corrupt."""
    check = WeightsCheck()
    try:
        for start in range(0, len(file), piece or max(1, len(file))):
            check.feed(file[start : start + (piece or len(file))])
        return check.finish()
    except ArtifactCorrupt as error:
        return str(error.facts["reason"])


def loads(file: bytes) -> bool:
    """Whether the real library reads it."""
    try:
        safetensors.deserialize(file)
    except safetensors.SafetensorError:
        return False
    return True


def with_field(value: str) -> bytes:
    """A good file with a third, empty tensor that has one more field, as JSON text."""
    extra = f', "x": {{"dtype": "U8", "shape": [0], "data_offsets": [8, 8], "more": {value}}}}}'
    return a_file(json.dumps(pair())[:-1].encode() + extra.encode(), DATA)


def with_text(old: str, new: str) -> bytes:
    """A good file whose header was edited."""
    text = json.dumps(pair(__metadata__={"format": "pt"}))
    assert old in text
    return a_file(text.replace(old, new).encode(), DATA)


def with_shape(*shape: int) -> bytes:
    """A good file with a third, empty tensor of this shape."""
    return a_file(pair(x=entry(8, 8, shape=list(shape))), DATA)


REFUSED_BY_ALL = {
    "a length of 2^63": (struct.pack("<Q", 1 << 63) + b"{}", "the header would have"),
    "a length of -1": (b"\xff" * 8 + b"{}", "the header would have"),
    "a length beyond the end": (struct.pack("<Q", 100) + b"{}", "end inside their header"),
    "a header in a BOM": (a_file(b"\xef\xbb\xbf" + json.dumps(pair()).encode(), DATA), "not a JSON object"),
    "a header and a NUL": (a_file(json.dumps(pair()).encode() + b"\0", DATA), "not JSON"),
    "two headers": (a_file(json.dumps(pair()).encode() * 2, DATA), "not JSON"),
    "a text": (a_file(b'"{}"', DATA), "not a JSON object"),
    "null": (a_file(b"null", DATA), "not a JSON object"),
    "a comma too many": (with_text('"U8"', '"U8",').replace(b"}}", b"},}"), "not JSON"),
    "single quotes": (with_text('"U8"', "'U8'"), "not JSON"),
    "a comment": (with_text(": [1, 4]", "/**/: [1, 4]"), "not JSON"),
    "NaN in it": (with_field("NaN"), "not JSON"),
    "infinity in it": (with_field("-Infinity"), "not JSON"),
    "a number beyond all": (with_field("1e999"), "a field that nobody knows"),
    "a number of 400 digits": (with_field("9" * 400), "not JSON"),
    "lists in lists": (with_field("[" * 200 + "]" * 200), "a field that nobody knows"),
    "objects in objects": (with_field('{"a":' * 200 + "1" + "}" * 200), "a field that nobody knows"),
    "half a character in a name": (with_text(DOWN, "lora_A.\\ud800"), "not JSON"),
    "half a character in the metadata": (with_text('"pt"', '"\\udc00"'), "not JSON"),
    "half a character in a field": (with_field('"\\ud800"'), "not JSON"),
    "a control character in a name": (with_text(DOWN, "lora_A.\n"), "not JSON"),
    "a list for metadata": (with_text('{"format": "pt"}', "[]"), "metadata"),
    "metadata in metadata": (with_text('"pt"', "{}"), "metadata"),
    "metadata twice": (with_text('"__metadata__": {', '"__metadata__": {}, "__metadata__": {'), "occurs twice"),
    "a type in small letters": (with_text('"U8"', '"u8"'), "unknown type"),
    "a type with a space": (with_text('"U8"', '"U8 "'), "unknown type"),
    "a type of torch": (with_text('"U8"', '"torch.uint8"'), "unknown type"),
    "an offset of -0": (with_text("[0, 4]", "[-0, 4]"), "not JSON"),
    "an offset of -1": (with_text("[0, 4]", "[-1, 4]"), "no offsets"),
    "an offset of 0.0": (with_text("[0, 4]", "[0.0, 4]"), "no offsets"),
    "an offset of 4e0": (with_text("[0, 4]", "[0, 4e0]"), "no offsets"),
    "an offset that is a text": (with_text("[0, 4]", '["0", "4"]'), "no offsets"),
    "an offset of 2^64": (with_text("[0, 4]", f"[0, {1 << 64}]"), "no offsets"),
    "offsets that are an object": (with_text("[0, 4]", '{"0": 4}'), "no offsets"),
    "offsets that are null": (with_text("[0, 4]", "null"), "no offsets"),
    "a shape of 2^64 nothings": (with_shape(1 << 64, 0), "no shape"),
    "a shape that overflows": (with_shape(1 << 62, 4, 0), "more bytes than there can be"),
    "a shape of half a byte's": (a_file(pair(x=entry(8, 8, shape=[1], dtype="F4")), DATA), "does not fit"),
    "a tensor over another": (a_file(pair(x=entry(2, 6)), DATA), "overlap before"),
    "a tensor in another": (a_file(pair(x=entry(1, 3)), DATA), "overlap before"),
    "a hole at the end": (a_file(pair(), DATA + b"\1"), "longer than their header says"),
    "a header alone": (a_file(pair()), "8 bytes shorter"),
}
REFUSED_BY_US = {
    "space before the header": (a_file(b" " + json.dumps(pair()).encode(), DATA), "not a JSON object"),
    "a name twice": (with_text(f'"{UP}"', f'"{DOWN}": {{}}, "{UP}"'), "occurs twice"),
    "no metadata in its place": (with_text('{"format": "pt"}', "null"), "metadata"),
    "no tensors": (a_file({}), "no LoRA tensors"),
    "metadata alone": (a_file({"__metadata__": {"format": "pt"}}), "no LoRA tensors"),
    "a whole model": (a_file({"model.weight": entry(0, 8)}, DATA), "no LoRA tensors"),
    "a LoHa": (a_file({"x.hada_w1_a": entry(0, 4), "x.hada_w1_b": entry(4, 8)}, DATA), "no LoRA tensors"),
    "only the halves that go down": (a_file({DOWN: entry(0, 8)}, DATA), "half of the LoRA"),
    "empty factors": (a_file({DOWN: entry(0, 0, [0, 4]), UP: entry(0, 0, [4, 0])}), "every sampled weight is zero"),
    "zeros": (a_file(pair(), bytes(8)), "every sampled weight is zero"),
    "infinities": (a_lora("float16", value=b"\x00\x7c"), "infinite or not a number"),
    "no numbers": (a_lora("bfloat16", value=b"\xc0\xff"), "infinite or not a number"),
}


@pytest.mark.parametrize("name", REFUSED_BY_ALL)
def test_what_the_library_refuses_we_refuse_with_a_reason(name: str) -> None:
    file, reason = REFUSED_BY_ALL[name]
    assert not loads(file)
    for piece in (0, 1, 7):
        assert reason in str(verdict(file, piece))


@pytest.mark.parametrize("name", REFUSED_BY_US)
def test_what_is_no_trained_lora_is_refused_although_the_library_reads_it(name: str) -> None:
    file, reason = REFUSED_BY_US[name]
    assert name == "a name twice" or loads(file)
    assert reason in str(verdict(file))


@pytest.mark.parametrize("value", ["1", "true", "null", '"a"', '"\\ud83d\\ude00"', "1" * 19])
def test_a_field_of_a_later_day_is_passed_over(value: str) -> None:
    file = with_field(value)
    assert loads(file)
    assert isinstance(verdict(file), Weights)


@pytest.mark.parametrize(
    ("format_", "kept"),
    [("pt", "pt"), ("np", "np"), ("x" * 33, None), ("a\x00b", None), ("<b>", None), ("é", None), ("", None)],
)
def test_only_a_plain_word_is_kept_as_the_format(format_: str, kept: str | None) -> None:
    """It becomes part of the model's document, which may not grow by what fal.ai's files say."""
    weights = verdict(a_file(pair(__metadata__={"format": format_}), DATA))
    assert isinstance(weights, Weights)
    assert weights.format == kept


# --- fuzzed

SIZES = st.sampled_from([0, 0, 1, 2, 3, 4, 8, 2**31, 2**53, 2**62, 2**63, 2**64, 10**30])
ODD: st.SearchStrategy[Any] = st.sampled_from([-1, 0.0, 1.5, True, None, "4", [], {}, [4], 10**30])
NAMES = st.sampled_from(
    [DOWN, UP, "a.lora_down.weight", "a.lora_up.weight", "a.alpha", "", "é", "\x00", "__metadata__"]
)


@st.composite
def headers(draw: st.DrawFn) -> tuple[str, int]:
    """A header as JSON, of tensors that follow each other, mostly, and how many bytes they claim."""
    end, header = (8, pair()) if draw(st.booleans()) else (0, {})
    for name in draw(st.lists(NAMES.filter(lambda name: name not in header), unique=True, max_size=5)):
        dtype = draw(st.sampled_from(sorted(BITS)) | st.sampled_from(["U8", "BF16", "F16", "u8", "F7"]))
        shape = draw(st.lists(st.integers(0, 4), max_size=3) | st.lists(SIZES, max_size=3))
        bits = BITS.get(dtype, 8)
        for size in shape:
            bits *= size
        begin, end = end, end + bits // 8
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = draw(broken(json.dumps(header)) if draw(st.booleans()) else st.just(json.dumps(header)))
    return text, end


@st.composite
def broken(draw: st.DrawFn, text: str) -> str:
    """The header with one value in it replaced by an odd one, or a piece of its text by another."""
    found = json.loads(text)
    if found and draw(st.booleans()):
        tensor = found[draw(st.sampled_from(sorted(found)))]
        field = draw(st.sampled_from([*tensor, "more"]))
        tensor[field] = draw(ODD | st.lists(ODD | SIZES, min_size=2, max_size=2))
        return json.dumps(found)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 3)))
    return text[:start] + draw(st.text('{}[]",:0-.e\\ud8aNA \x00é', max_size=4)) + text[end:]


@given(made=headers(), wrong=st.sampled_from([0, 0, 0, 1, -1]), piece=st.integers(0, 40))
@settings(max_examples=200)
def test_what_we_take_loads_and_what_does_not_load_we_refuse(made: tuple[str, int], wrong: int, piece: int) -> None:
    text, claimed = made
    file = a_file(text.encode("utf-8", "surrogatepass"), b"\1" * max(0, min(claimed, 4096) + wrong))
    judged = verdict(file, piece)
    if isinstance(judged, Weights):
        assert len(safetensors.deserialize(file)) == judged.tensors
    else:
        assert len(judged) < 200
    assert loads(file) or isinstance(judged, str)


@given(seed=st.integers(0, 2**32), changes=st.integers(1, 4))
@settings(max_examples=200)
def test_changed_bytes_load_everywhere_or_nowhere(seed: int, changes: int) -> None:
    chance, file = random.Random(seed), bytearray(a_lora("bfloat16", rank=2, width=6))
    for _ in range(changes):
        place = chance.randrange(len(file))
        match chance.randrange(4):
            case 0:
                file[place] = chance.randrange(256)
            case 1:
                file[place] ^= 1 << chance.randrange(8)
            case 2:
                del file[place : place + chance.randrange(1, 9)]
            case _:
                file[place:place] = chance.randbytes(chance.randrange(1, 9))
    judged = verdict(bytes(file))
    assert loads(bytes(file)) or isinstance(judged, str)


# --- memory


def peak_of(file: bytes) -> int:
    """The most memory that looking at the file took, beside the file."""
    tracemalloc.start()
    try:
        verdict(file)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("claimed", [MAX_HEADER_BYTES + 1, 1 << 32, 1 << 40, (1 << 64) - 1])
def test_a_header_that_claims_gigabytes_takes_no_memory(claimed: int) -> None:
    assert peak_of(struct.pack("<Q", claimed) + b"{" * MIB) < MIB // 4


def test_tensors_that_claim_petabytes_take_no_memory() -> None:
    half = 1 << 50
    claims = {DOWN: entry(0, half, shape=[half]), UP: entry(half, 2 * half, shape=[half])}
    assert peak_of(a_file(claims, b"\1" * MIB)) < MIB // 4
    assert "shorter than their header says" in str(verdict(a_file(claims, b"\1" * MIB)))


@pytest.mark.parametrize("item", ["[]", "{}", '""', "0", '{"":0}', '"\\u00e9"'])
def test_a_header_takes_at_most_a_fixed_multiple_of_its_bytes(item: str) -> None:
    """So that the largest one that is read fits into the smallest mirror several times over."""
    size = 256 << 10
    list_of = f'{{"{DOWN}":[{item}' + f",{item}" * (size // (len(item) + 1)) + "]}"
    assert peak_of(a_file(list_of.encode())) < 40 * size
    assert 40 * MAX_HEADER_BYTES <= 160 * MIB


def test_the_largest_header_is_far_larger_than_any_that_a_trainer_writes() -> None:
    """Three times the layers of the largest model that can be trained, with the longest names, fill an eighth of it."""
    names = (
        f"diffusion_model.transformer_blocks.{layer}.attn.add_k_proj_{part}.lora_{side}.weight"
        for layer in range(180)
        for part in range(10)
        for side in "AB"
    )
    header = {name: entry(i * 4, i * 4 + 4) for i, name in enumerate(names)}
    text = json.dumps(header).encode()
    assert len(parse_header(text).tensors) == 3600
    assert len(text) < MAX_HEADER_BYTES / 8


def test_metadata_of_any_kind_is_fine() -> None:
    metadata: dict[str, Any] = {"ss_tag_frequency": "{" * 1000, "modelspec.title": "<b>é😀", "": "", "\x00": "\x00"}
    assert isinstance(verdict(a_file(pair(__metadata__=metadata), DATA)), Weights)
