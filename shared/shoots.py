"""A shoot: a costume, a person, and the names under which its preprocessed pictures and captions lie. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from shared.ports import ObjectInfo

IMAGE_TYPES: Mapping[str, str] = MappingProxyType(
    {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
)
CAPTION_TYPE = "txt"

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$"


@dataclass(frozen=True, kw_only=True)
class Shoot:
    """A shoot as it is stored. How many pictures it has is counted from the bucket, never from here."""

    id: str
    owner_id: str
    person_id: str
    costume_name: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A preprocessed picture and, where there is one, its caption: two objects with one stem."""

    stem: str
    image: ObjectInfo
    caption: ObjectInfo | None = None


def preprocessed_prefix(shoot_id: str) -> str:
    """Where a shoot's pictures and captions lie in the shoots bucket."""
    return f"shoots/{shoot_id}/preprocessed/"


def file_name(name: str) -> str:
    """The last segment of an object's name: what the user knows the file by."""
    return name.rsplit("/", 1)[-1]


def split_name(name: str) -> tuple[str, str]:
    """The stem and the lower-case extension of an object's name: `a/b/IMG_1.JPG` is `("IMG_1", "jpg")`."""
    stem, _, extension = file_name(name).rpartition(".")
    return stem, extension.lower()


def one_spelling(name: str) -> str:
    """`name` in Unicode's composed form: some computers write an é as an e and an accent, and mean the same file."""
    return unicodedata.normalize("NFC", name)


def pictures(objects: Iterable[ObjectInfo], prefix: str) -> Iterator[Picture]:
    """The pictures directly under `prefix`, by name; dot-files, deeper folders and other types are none of them."""
    here = sorted((o for o in objects if _is_plain(o.name, prefix)), key=lambda o: o.name)
    captions = {one_spelling(stem): o for o in here for stem, kind in [split_name(o.name)] if kind == CAPTION_TYPE}
    for found in here:
        stem, kind = split_name(found.name)
        if kind in IMAGE_TYPES:
            yield Picture(stem=stem, image=found, caption=captions.get(one_spelling(stem)))


def _is_plain(name: str, prefix: str) -> bool:
    rest = name.removeprefix(prefix)
    return name.startswith(prefix) and "/" not in rest and not rest.startswith(".")


def slug(text: str) -> str:
    """`text` as a name that can stand in an object's path: `Red Riding-Hood!` is `red-riding-hood`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-") or "model"
