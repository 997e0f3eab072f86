"""Words that somebody gives and that are shown to people: nothing hides in them."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from shared.hidden_characters import HIDDEN, HIDDEN_IN_TEXT, hides_in_line, hides_in_text

_SHOWN = frozenset("LMNPS")


def _one_line(text: str) -> str:
    # categories of Unicode: letters, marks, numbers, punctuation and symbols can be seen; spaces and formats cannot
    if hides_in_line(text) or not any(unicodedata.category(character)[0] in _SHOWN for character in text):
        raise PydanticCustomError(
            "words", "has to be one line with something to be seen, without control characters or changes of direction"
        )
    return text


def _text(text: str) -> str:
    if hides_in_text(text):
        raise PydanticCustomError("text", "has to be without control characters or changes of direction")
    return text


Words = Annotated[str, AfterValidator(_one_line), Field(json_schema_extra={"pattern": f"^[^{HIDDEN}]*$"})]
"""A name or a title: one line, of which something can be seen. How long it may be is said where it stands."""

Text = Annotated[str, AfterValidator(_text), Field(json_schema_extra={"pattern": f"^[^{HIDDEN_IN_TEXT}]*$"})]
"""Sentences, on as many lines as one likes."""
