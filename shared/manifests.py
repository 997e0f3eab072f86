"""What a dataset was made of: names and checksums of its files, and how two datasets differ. Pure.

A manifest lies beside the ZIP while a training lasts and beside the model for good (`dataset.json`): a document would
have no room for it. It has no pictures and no words, so it may stay where they must not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.datasets import caption_file
from shared.documents import from_document, to_document
from shared.fingerprints import caption_sum
from shared.shoots import Picture, file_name

FILE_NAME = "dataset.json"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Checksums by file name, of captions as they were used: stored, or given for the training alone."""

    pictures: Mapping[str, str]
    captions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class FilesDifference:
    """Names of files, sorted; `same` is how many are as they were."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    same: int = 0


@dataclass(frozen=True, kw_only=True)
class DatasetDifference:
    """What a dataset has that another one has not. A caption comes and goes with its picture and counts for itself."""

    pictures: FilesDifference
    captions: FilesDifference


def manifest_of(pictures: Iterable[Picture], captions: Mapping[str, str]) -> Manifest:
    """The manifest of these pictures; `captions`, by stem, are used in the place of the stored ones."""
    found = list(pictures)
    used = {caption_file(p.stem): caption_sum(p, captions) for p in found}
    return Manifest(
        pictures={file_name(p.image.name): p.image.crc32c for p in found},
        captions={name: found.crc32c for name, found in used.items() if found is not None},
    )


def manifest_name(archive: str) -> str:
    """Where the manifest of the ZIP `archive` lies, in the same bucket."""
    return f"{archive.removesuffix('.zip')}.json"


def to_bytes(manifest: Manifest) -> bytes:
    """The manifest as it is stored: compact JSON with sorted names."""
    return json.dumps(to_document(manifest), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def from_bytes(data: bytes) -> Manifest:
    """What `to_bytes` wrote; `ValueError` for anything else."""
    return from_document(Manifest, json.loads(data))


def difference(before: Manifest, after: Manifest) -> DatasetDifference:
    """What `after` has that `before` has not, and the other way round."""
    return DatasetDifference(
        pictures=_files(before.pictures, after.pictures), captions=_files(before.captions, after.captions)
    )


def _files(before: Mapping[str, str], after: Mapping[str, str]) -> FilesDifference:
    both = before.keys() & after.keys()
    changed = sorted(name for name in both if before[name] != after[name])
    return FilesDifference(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(changed),
        same=len(both) - len(changed),
    )
