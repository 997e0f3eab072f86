"""Words that somebody gives a thing and that are shown to people: one line, in which nothing hides."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

HIDDEN = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
"""For a regular expression: control characters, further ends of lines, and what turns the direction of reading."""

_HIDDEN = re.compile(f"[{HIDDEN}]")
_SHOWN = frozenset("LMNPS")


def _one_line(text: str) -> str:
    # categories of Unicode: letters, marks, numbers, punctuation and symbols can be seen; spaces and formats cannot
    if _HIDDEN.search(text) or not any(unicodedata.category(character)[0] in _SHOWN for character in text):
        raise PydanticCustomError(
            "words", "has to be one line with something to be seen, without control characters or changes of direction"
        )
    return text


Words = Annotated[str, AfterValidator(_one_line), Field(json_schema_extra={"pattern": f"^[^{HIDDEN}]*$"})]
"""The type of such a field; how long it may be is said where it stands."""
