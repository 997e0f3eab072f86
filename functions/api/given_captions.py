"""Captions that are given for one training: checked by the rules of the stored ones, in whose place they are used."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from shared.datasets import caption_errors, caption_file, raise_first
from shared.errors import InvalidRequest

MAX_CAPTIONS = 2000

# They are recorded in the training's document, which may have 1 MiB in Firestore and holds a log besides.
MAX_CAPTIONS_BYTES = 512 << 10

# Firestore keeps such names for itself.
_RESERVED = re.compile(r"__.*__")


def checked_captions(captions: Mapping[str, str], *, max_characters: int) -> dict[str, str]:
    """The captions, by stem, without white space around them; `InvalidCaption` or `InvalidRequest` otherwise."""
    if len(captions) > MAX_CAPTIONS:
        raise InvalidRequest(reason=f"{len(captions):,} captions are given and at most {MAX_CAPTIONS:,} are allowed")
    size = sum(len(part.encode(errors="surrogatepass")) for given in captions.items() for part in given)
    if size > MAX_CAPTIONS_BYTES:
        reason = f"the captions have {size:,} bytes together and at most {MAX_CAPTIONS_BYTES:,} are allowed"
        raise InvalidRequest(reason=reason)
    stripped = {stem: text.strip() for stem, text in captions.items()}
    for stem, text in stripped.items():
        if _RESERVED.fullmatch(stem):
            raise InvalidRequest(reason=f"a caption cannot be given for the name {stem}: rename the picture")
        raise_first(caption_errors(text, caption_file(stem), max_characters=max_characters))
    return stripped


def refuse_unknown_stems(captions: Collection[str], stems: Collection[str]) -> None:
    """`InvalidRequest`, naming the first few, where captions are given for pictures that the shoot does not have."""
    if unknown := sorted(set(captions) - set(stems)):
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        named = ", ".join(repr(stem[:80]) for stem in unknown[:3])
        raise InvalidRequest(reason=f"captions are given for pictures that the shoot does not have: {named}{more}")
