"""Pictures that look the same: a trainer that sees one twice learns it by heart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import dhash  # type: ignore[import-untyped]  # it ships no types
from PIL import Image

# Of the 128 bits of a look. On real shoots the same picture in another size, quality or brightness differs in 5 at
# most, trimmed by 2 % at each edge in 11 at most, and two pictures of one subject in 41 at least.
NEAR = 12

_SIDE = 8


def look(image: Image.Image) -> int:
    """What a picture looks like, in 128 bits: where it gets brighter from left to right and from top to bottom.

    The grey values are made here, because dhash's own way of making them is deprecated in Pillow.
    """
    greys = image.convert("L").resize((_SIDE + 1, _SIDE + 1), Image.Resampling.LANCZOS)
    return int(dhash.dhash_int(list(greys.tobytes()), _SIDE))


def near_duplicates(looks: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Each picture that looks like an earlier one, with the most similar of those: (this, the earlier one)."""
    seen: list[tuple[str, int]] = []
    for name, its in looks.items():
        near = [(distance, earlier) for earlier, theirs in seen if (distance := (its ^ theirs).bit_count()) <= NEAR]
        if near:
            yield name, min(near)[1]
        seen.append((name, its))
