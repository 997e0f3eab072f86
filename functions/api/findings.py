"""What a report says about a dataset: the packager's errors in their own words, and warnings that block nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from shared.errors import DatasetError

Severity = Literal["error", "warning"]

WARNINGS: Mapping[str, str] = MappingProxyType(
    {
        "caption_missing": "The picture {file} has no caption: it will be trained with the trigger word alone.",
        "caption_empty": "The caption {file} is empty: the picture will be trained with the trigger word alone.",
        "caption_without_trigger": "The caption {file} lacks the trigger word {trigger_word}: it will be put in front.",
        "near_duplicate": "The pictures {file} and {other} look the same: leave one of them out, so that the model "
        "does not learn it by heart.",
        "small_image": "The picture {file} has {width} × {height} pixels: from {minimum} on the short side on, details "
        "are learned better.",
        "extreme_aspect_ratio": "The picture {file} has {width} × {height} pixels, more than {ratio:g} to 1: the "
        "trainer will cut most of it off or shrink it a lot.",
        "orphan_caption": "The caption {file} belongs to no picture: it will be ignored.",
        "ignored_file": "The file {file} will be ignored: only pictures ({types}) and their captions (txt) that lie "
        "directly in the shoot are used.",
    }
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing about a dataset; `file` is None where it is about the whole. Errors block a training."""

    severity: Severity
    code: str
    file: str | None
    message: str


def error_finding(error: DatasetError) -> Finding:
    """What the packager would refuse the dataset with."""
    return Finding(severity="error", code=error.code, file=error.facts.get("file"), message=error.message)


def warning(code: str, file: str, **facts: Any) -> Finding:
    """One of `WARNINGS` about a file."""
    message = WARNINGS[code].format_map({"file": file, **facts})
    return Finding(severity="warning", code=code, file=file, message=message)
