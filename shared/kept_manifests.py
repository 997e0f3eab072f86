"""Reading manifests out of buckets."""

from __future__ import annotations

from shared import logs
from shared.manifests import FILE_NAME, Manifest, from_bytes
from shared.models import Model, version_prefix
from shared.ports import Objects
from shared.reading import read_whole


def read_manifest(of: Model | str, bucket: Objects) -> Manifest | None:
    """The manifest of a model, or the object of that name; None where there is none, or none that can be read.

    Models that were trained before manifests were kept have none. What cannot be read costs nobody a model.
    """
    name = of if isinstance(of, str) else f"{version_prefix(of.person_id, of.name, of.version)}{FILE_NAME}"
    if (info := bucket.stat(name)) is None:
        return None
    try:
        return from_bytes(read_whole(bucket, info))
    except ValueError:
        logs.warning("manifest_not_readable", reason=f"{FILE_NAME} is not what was written")
        return None
