"""Whether a stream is a whole LoRA in the safetensors format, checked while it passes (design §9). Pure.

The work is proportional to the samples, not to the bytes, and memory to the header, so that the check costs a
download nothing. Every failure is `ArtifactCorrupt` with a short reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from functions.mirror.lora import Factor, factor_of, rank_of
from functions.mirror.safetensors_header import Header, parse_header
from functions.mirror.safetensors_values import PROBE_BYTES, Probe, probes_of, values_in
from shared.errors import ArtifactCorrupt
from shared.models import Weights

LENGTH_BYTES = 8
# room for thousands of layers; what a hostile one parses into takes up to 27 times as much memory (measured)
MAX_HEADER_BYTES = 4 << 20

_FORMAT = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_TAIL_BYTES = PROBE_BYTES - 1


class WeightsCheck:
    """Takes a file piece by piece, in any pieces; `finish` tells what was in it."""

    def __init__(self, *, size: int | None = None, max_header_bytes: int = MAX_HEADER_BYTES) -> None:
        """`size` is the file's where it is known: then a header that does not fit it is found at once."""
        self._size = size
        self._max_header_bytes = max_header_bytes
        self._prefix = bytearray()
        self._wanted = LENGTH_BYTES
        self._header: Header | None = None
        self._probes: Iterator[Probe] = iter(())
        self._next: Probe | None = None
        self._position = 0
        self._tail = b""
        self._has_values = False

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes; `ArtifactCorrupt` as soon as it is certain that the file is not whole."""
        rest = memoryview(chunk)
        if self._header is None:
            rest = self._take_header(rest)
        if self._header is not None and rest:
            self._look_through(rest, self._header.data_bytes)

    def finish(self) -> Weights:
        """What the file holds; `ArtifactCorrupt` where it ended too early or is no trained LoRA."""
        if self._header is None:
            raise ArtifactCorrupt(reason="the weights end inside their header")
        missing = self._header.data_bytes - self._position
        if missing:
            raise ArtifactCorrupt(reason=f"the weights are {missing:,} bytes shorter than their header says")
        if not self._has_values:
            raise ArtifactCorrupt(reason="every sampled weight is zero")
        return _weights(self._header)

    def _take_header(self, chunk: memoryview) -> memoryview:
        """Collect the length and the header; returns what of the chunk lies behind them."""
        while chunk and self._header is None:
            taken = chunk[: self._wanted - len(self._prefix)]
            self._prefix += taken
            chunk = chunk[len(taken) :]
            if len(self._prefix) < self._wanted:
                break
            if self._wanted == LENGTH_BYTES:
                self._wanted += self._header_length()
            else:
                self._begin(parse_header(bytes(self._prefix[LENGTH_BYTES:])))
        return chunk

    def _header_length(self) -> int:
        length = int.from_bytes(self._prefix, "little")
        room = self._max_header_bytes if self._size is None else self._size - LENGTH_BYTES
        if not len("{}") <= length <= min(room, self._max_header_bytes):
            raise ArtifactCorrupt(reason=f"the header would have {length:,} bytes")
        return length

    def _begin(self, header: Header) -> None:
        self._prefix.clear()
        whole = self._wanted + header.data_bytes
        if self._size is not None and self._size != whole:
            how = "shorter" if self._size < whole else "longer"
            raise ArtifactCorrupt(reason=f"the weights are {how} than their header says")
        factors = {factor_of(tensor.name) for tensor in header.tensors} - {None}
        if len(factors) < len(Factor):
            raise ArtifactCorrupt(reason="half of the LoRA is missing" if factors else "there are no LoRA tensors")
        self._header = header
        self._probes = probes_of(header.tensors)
        self._next = next(self._probes, None)

    def _look_through(self, chunk: memoryview, data_bytes: int) -> None:
        end = self._position + len(chunk)
        if end > data_bytes:
            raise ArtifactCorrupt(reason="the weights are longer than their header says")
        while self._next is not None and self._next.offset + self._next.length <= end:
            self._look_at(self._next, chunk)
            self._next = next(self._probes, None)
        self._tail = (self._tail + bytes(chunk[-_TAIL_BYTES:]))[-_TAIL_BYTES:]
        self._position = end

    def _look_at(self, probe: Probe, chunk: memoryview) -> None:
        place = probe.offset - self._position
        if place >= 0:
            values = values_in(probe, chunk, place)
        else:  # it began in an earlier chunk
            values = values_in(probe, self._tail + bytes(chunk[: probe.length]), len(self._tail) + place)
        if not values.finite:
            raise ArtifactCorrupt(reason="a sampled weight is infinite or not a number")
        self._has_values = self._has_values or (probe.factor and not values.zero)


def _weights(header: Header) -> Weights:
    """What is kept of the header; the type is the one that most of the bytes have."""
    sizes: Counter[str] = Counter()
    for tensor in header.tensors:
        sizes[tensor.dtype] += tensor.end - tensor.begin
    format_ = header.metadata.get("format", "")
    return Weights(
        tensors=len(header.tensors),
        rank=rank_of(header.tensors),
        dtype=sizes.most_common(1)[0][0],
        format=format_ if _FORMAT.fullmatch(format_) else None,
    )
