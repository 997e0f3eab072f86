"""How settings are read from the environment, and what is said where one cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

_TAKES = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_parsing": "true or false",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "enum": "{expected}",
}


UNREADABLE = 2
"""The exit code of a process where a setting cannot be read."""


class UnreadableSettingsError(Exception):
    """A sentence for each setting that cannot be read: its name and what it takes.

    Without what it was set to: that may be a key in the wrong place.
    """


class Group(BaseSettings):
    """What all groups of settings share: frozen, from the environment, an empty variable counts as not set.

    One that cannot be read raises `UnreadableSettingsError`.
    """

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore", allow_inf_nan=False)

    if not TYPE_CHECKING:  # what the fields take is known of the class itself

        def __init__(self, **values: Any) -> None:
            """Read what is not given from the environment."""
            try:
                super().__init__(**values)
            except ValidationError as error:
                told = " ".join(self._sentence(mistake) for mistake in error.errors())
            else:
                return
            raise UnreadableSettingsError(told)

    @classmethod
    def _sentence(cls, mistake: ErrorDetails) -> str:
        if not mistake["loc"]:
            return f"{_reason(mistake)}."
        name = str(mistake["loc"][0])
        described = {str(field.validation_alias or key): field.description for key, field in cls.model_fields.items()}
        # where the words that it takes are counted up, the description mostly does nothing else
        what_for = f" ({described[name]})" if described.get(name) and mistake["type"] != "enum" else ""
        return f"{name.upper()} {_reason(mistake)}{what_for}."


def _reason(mistake: ErrorDetails) -> str:
    context: Mapping[str, Any] = mistake.get("ctx", {})
    if (takes := _TAKES.get(mistake["type"])) is not None:
        return f"takes {takes.format_map(context)}".replace("'", "")
    return mistake["msg"].removeprefix("Value error, ")
