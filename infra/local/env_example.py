"""`.env.example`, made from the settings themselves: `python -m infra.local.env_example > .env.example`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from infra.local.settings import LocalSettings
from shared.environment import Group
from shared.settings import GROUPS

HEAD = """\
# Every setting with its default. Copy this file to `.env` and uncomment what you change: `make` reads it.
# Nothing here is needed for `make demo`, `make test` or `make up`.
"""
ONE_MACHINE = "The one-machine stack alone: how `make up` and `make demo` run it"


def groups() -> tuple[type[Group], ...]:
    """The groups of the functions' settings, then those of the one-machine stack."""
    return (*GROUPS, LocalSettings)


def names(group: type[Group]) -> Iterator[tuple[str, FieldInfo]]:
    """The environment variables of a group with their fields."""
    for name, field in group.model_fields.items():
        yield str(field.validation_alias or name).upper(), field


def env_example() -> str:
    """The whole file; a variable that several groups read stands once, where it comes first."""
    lines, seen = [HEAD], set[str]()
    for group in groups():
        title = ONE_MACHINE if group is LocalSettings else inspect.cleandoc(group.__doc__ or "").split("\n")[0]
        lines.append(f"# --- {title.rstrip('.')}")
        for name, field in names(group):
            if name not in seen:
                seen.add(name)
                lines += [f"# {field.description}", f"#{name}={_text(field.default)}"]
        lines.append("")
    return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return ""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.stdout.write(env_example())
