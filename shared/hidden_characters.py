"""Characters that hide in words: nobody sees them, and they change what is seen. Pure."""

from __future__ import annotations

import re

HIDDEN = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
"""For a regular expression: control characters, further ends of lines, and what turns the direction of reading."""

HIDDEN_IN_TEXT = HIDDEN.replace(r"\x00-\x1f", r"\x00-\x08\x0b\x0c\x0e-\x1f")
"""The same of text, which may have tabs and as many lines as it likes."""

_HIDDEN, _HIDDEN_IN_TEXT = re.compile(f"[{HIDDEN}]"), re.compile(f"[{HIDDEN_IN_TEXT}]")


def hides_in_line(line: str) -> bool:
    """Whether something hides in words that are to be one line."""
    return _HIDDEN.search(line) is not None


def hides_in_text(text: str) -> bool:
    """Whether something hides in text."""
    return _HIDDEN_IN_TEXT.search(text) is not None
