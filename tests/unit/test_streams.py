"""What is done with a stream while it passes: hashed beside the work, and handled in blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import StorageUnavailable
from shared.hashing import Sha256Beside
from shared.reading import in_blocks


@given(st.lists(st.integers(0, 600_000), max_size=8))
def test_hashing_beside_the_work_hashes_the_same(sizes: list[int]) -> None:
    pieces = [bytes([number]) * size for number, size in enumerate(sizes)]
    with Sha256Beside() as beside:
        for piece in pieces:
            beside.update(piece)
        assert beside.hexdigest() == hashlib.sha256(b"".join(pieces)).hexdigest()


@given(st.lists(st.binary(max_size=50)), st.integers(1, 60))
def test_blocks_are_the_same_bytes_in_fewer_pieces(pieces: list[bytes], size: int) -> None:
    blocks = list(in_blocks(pieces, size))
    assert b"".join(blocks) == b"".join(pieces)
    assert all(size <= len(block) < size + 50 for block in blocks[:-1])


def test_an_error_between_pieces_is_not_hidden_by_the_block_that_it_cuts_short() -> None:
    def cut_short() -> Iterator[bytes]:
        yield b"x"
        raise StorageUnavailable(reason="it broke")

    with pytest.raises(StorageUnavailable):
        list(in_blocks(cut_short(), 10))
