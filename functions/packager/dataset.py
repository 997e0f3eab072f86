"""A dataset's files as they go into the archive: read ahead in parallel, and each one checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from shared.datasets import caption_errors, caption_file, decode_caption, raise_first, with_trigger
from shared.images import check_image, check_kind, without_metadata
from shared.ports import ObjectInfo, Objects
from shared.reading import read_ahead, read_whole
from shared.settings import DatasetSettings
from shared.shoots import Picture, file_name, split_name
from shared.thumbnail_names import digest_of


def checked_files(
    pictures: Sequence[Picture],
    *,
    trigger_word: str,
    captions: Mapping[str, str],
    proven: Collection[str],
    bucket: Objects,
    limits: DatasetSettings,
) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every picture and caption, by stem; raises the `DatasetError` of the first that is wrong.

    `captions`, by stem, are used in the place of the stored ones. Pictures whose digests are `proven` are known to be
    whole; all others are decoded.
    """

    def load(picture: Picture) -> list[tuple[str, bytes]]:
        files = [(f"{picture.stem}.{split_name(picture.image.name)[1]}", _image(picture.image, proven, bucket, limits))]
        if (caption := _caption(picture, captions, bucket)) is not None:
            file, text = caption
            raise_first(caption_errors(text, file, max_characters=limits.max_caption_characters))
            files.append((caption_file(picture.stem), with_trigger(text, trigger_word).encode()))
        return files

    loaded = read_ahead(
        sorted(pictures, key=lambda picture: picture.stem),
        load,
        lambda picture: picture.image.size,
        max_bytes=limits.read_ahead_bytes,
        max_items=limits.read_ahead_objects,
    )
    for files in loaded:
        yield from files


def _image(info: ObjectInfo, proven: Collection[str], bucket: Objects, limits: DatasetSettings) -> bytes:
    """The picture as it is sent, and as such checked."""
    stored = read_whole(bucket, info)
    check_kind(stored, info.name)
    if proven and digest_of(stored) in proven:
        return stored  # what was decoded had no metadata any more, so this has none
    image = without_metadata(stored, info.name, max_pixels=limits.max_image_pixels)
    if image is stored or not proven or digest_of(image) not in proven:
        check_image(image, info.name, max_pixels=limits.max_image_pixels)
    return image


def _caption(picture: Picture, captions: Mapping[str, str], bucket: Objects) -> tuple[str, str] | None:
    """The file that the user knows the caption by, and its text; None where there is none."""
    if picture.stem in captions:
        return caption_file(picture.stem), captions[picture.stem].strip()
    if picture.caption is None:
        return None
    file = file_name(picture.caption.name)
    return file, decode_caption(read_whole(bucket, picture.caption), file)
