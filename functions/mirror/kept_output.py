"""What is kept of fal.ai's raw output. Pure.

Its URLs are open to everybody who has them, and one of its files may show the pictures: so no URL is kept, and of a
file only what says what it was.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

MAX_FIELDS = 50
MAX_ITEMS = 16
MAX_CHARACTERS = 200
NOT_KEPT = "(not kept)"

# What a database takes as a field's name everywhere, and as a number.
_NAME = re.compile(r"(?!__)\w{1,100}")
_MOST = 2**53

# So long is the part of a file's URL that nobody can guess: fal.ai's has 20 characters and more.
_SECRET_CHARACTERS = 16
_CONTENT_TYPE = re.compile(r"[\w.+-]{1,80}/[\w.+-]{1,80}")


def kept_output(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the output, at most `MAX_FIELDS`: files as host, name, size and type; numbers and short texts.

    Of everything else only the name of the field is kept.
    """
    named = [(name, value) for name, value in raw.items() if _NAME.fullmatch(name)]
    return {name: _kept(value) for name, value in named[:MAX_FIELDS]}


def _kept(value: Any) -> Any:
    """The value, of a list every item and of an object every number and short text in it."""
    if isinstance(value, list):
        return [_kept_item(item) for item in value[:MAX_ITEMS]]
    if isinstance(value, Mapping) and not isinstance(value.get("url"), str):
        named = [(name, item) for name, item in value.items() if _NAME.fullmatch(name)]
        return {name: _kept_value(item) for name, item in named[:MAX_ITEMS]}
    return _kept_item(value)


def _kept_item(value: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("url"), str):
        return _file(value["url"], value)
    return _kept_value(value)


def _kept_value(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    known = _number(value) if isinstance(value, int | float) else _text(value)
    return NOT_KEPT if known is None else known


def _file(url: str, told: Mapping[str, Any]) -> dict[str, Any]:
    content_type = told.get("content_type")
    is_type = isinstance(content_type, str) and _CONTENT_TYPE.fullmatch(content_type)
    return {
        "host": _host(url),
        "file_name": _file_name(unquote(url), told.get("file_name")),
        "file_size": _number(told.get("file_size")),
        "content_type": content_type if is_type else None,
        **{name: _number(told[name]) for name in ("width", "height") if name in told},
    }


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _file_name(url: str, name: object) -> str | None:
    """The name that fal.ai tells, unless it is what is secret about the URL."""
    if not isinstance(name, str) or not name:
        return None
    rest = url.partition("?")[0].removesuffix(name)
    has_secret = any(len(part) >= _SECRET_CHARACTERS for part in rest.split("/")[3:])
    return _text(name) if has_secret and name not in rest else None


def _number(value: object) -> int | float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if -_MOST < value < _MOST and math.isfinite(value) else None


def _text(value: object) -> str | None:
    """A short text in which no path and no link can be."""
    return value if isinstance(value, str) and len(value) <= MAX_CHARACTERS and "/" not in value else None
