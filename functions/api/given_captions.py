"""What is said of a shoot's pictures for one training alone: other captions, and which of them are left out.

Given captions are checked by the rules of the stored ones, in whose place they are used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from shared.datasets import caption_errors, caption_file, raise_first
from shared.errors import InvalidRequest

MAX_CAPTIONS = 2000

# They are recorded in the training's document, which may have 1 MiB in Firestore and holds a log besides.
MAX_CAPTIONS_BYTES = 512 << 10

# No file's name is longer; so 2,000 of them still fit into the document beside the captions.
MAX_STEM_BYTES = 200

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


def checked_stems(stems: Collection[str]) -> tuple[str, ...]:
    """The stems of pictures that are to be left out, sorted and each once; `InvalidRequest` where they are too many."""
    wanted = tuple(sorted(set(stems)))
    if len(wanted) > MAX_CAPTIONS:
        reason = f"{len(wanted):,} pictures are to be left out and at most {MAX_CAPTIONS:,} can be"
        raise InvalidRequest(reason=reason)
    for stem in wanted:
        if len(stem.encode(errors="surrogatepass")) > MAX_STEM_BYTES:
            raise InvalidRequest(reason=f"no picture has a name as long as {stem[:80]!r} and more")
    return wanted


def refuse_unknown_stems(given: Collection[str], stems: Collection[str], what: str) -> None:
    """`InvalidRequest`, naming the first few, where `what` is said of pictures that the shoot does not have."""
    if unknown := sorted(set(given) - set(stems)):
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        named = ", ".join(repr(stem[:80]) for stem in unknown[:3])
        raise InvalidRequest(reason=f"{what} pictures that the shoot does not have: {named}{more}")
