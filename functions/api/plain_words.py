"""Words that somebody gives and that are shown to people: nothing hides in them."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

HIDDEN = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
"""For a regular expression: control characters, further ends of lines, and what turns the direction of reading."""

_TEXT = HIDDEN.replace(r"\x00-\x1f", r"\x00-\x08\x0b\x0c\x0e-\x1f")
_HIDDEN, _HIDDEN_IN_TEXT = re.compile(f"[{HIDDEN}]"), re.compile(f"[{_TEXT}]")
_SHOWN = frozenset("LMNPS")


def _one_line(text: str) -> str:
    # categories of Unicode: letters, marks, numbers, punctuation and symbols can be seen; spaces and formats cannot
    if _HIDDEN.search(text) or not any(unicodedata.category(character)[0] in _SHOWN for character in text):
        raise PydanticCustomError(
            "words", "has to be one line with something to be seen, without control characters or changes of direction"
        )
    return text


def _text(text: str) -> str:
    if _HIDDEN_IN_TEXT.search(text):
        raise PydanticCustomError("text", "has to be without control characters or changes of direction")
    return text


Words = Annotated[str, AfterValidator(_one_line), Field(json_schema_extra={"pattern": f"^[^{HIDDEN}]*$"})]
"""A name or a title: one line, of which something can be seen. How long it may be is said where it stands."""

Text = Annotated[str, AfterValidator(_text), Field(json_schema_extra={"pattern": f"^[^{_TEXT}]*$"})]
"""Sentences, on as many lines as one likes."""
