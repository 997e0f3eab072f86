"""Which pictures need not be decoded again, because their thumbnails prove that they are whole."""

from __future__ import annotations

from collections.abc import Collection

from shared import logs
from shared.errors import StorageUnavailable
from shared.ports import Objects
from shared.thumbnail_names import read_names, thumbnail_prefix


def proven_whole(shoot_id: str, thumbnails: Objects, *, max_pixels: int) -> Collection[str]:
    """The digests of the pictures that were decoded whole for this shoot's thumbnails, as they are sent; one listing.

    Larger ones than are allowed now prove nothing. Where the bucket does not answer nothing is proven: then every
    picture is decoded, which takes longer and is as good.
    """
    prefix = thumbnail_prefix(shoot_id)
    try:
        names = read_names((info.name for info in thumbnails.list(prefix)), prefix)
    except StorageUnavailable as error:
        logs.warning("thumbnails_unavailable", folder=prefix, reason=error.message)
        return frozenset()
    return frozenset(name.digest for name in names.values() if 0 < name.pixels <= max_pixels)
