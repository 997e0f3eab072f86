"""A dataset's files as they go into the archive: read ahead in parallel, and each one checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from shared.bare_picture import bare_picture
from shared.datasets import caption_errors, caption_file, decode_caption, raise_first, with_trigger
from shared.images import check_image, kind_by_name, orientation
from shared.ports import ObjectInfo, Objects
from shared.reading import read_ahead, read_whole
from shared.settings import DatasetSettings
from shared.shoots import Picture, file_name, split_name


def checked_files(
    pictures: Sequence[Picture],
    *,
    trigger_word: str,
    captions: Mapping[str, str],
    bucket: Objects,
    limits: DatasetSettings,
) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every picture and caption, by stem; raises the `DatasetError` of the first that is wrong.

    `captions`, by stem, are used in the place of the stored ones.
    """

    def load(picture: Picture) -> list[tuple[str, bytes]]:
        files = [(f"{picture.stem}.{split_name(picture.image.name)[1]}", _image(picture.image, bucket, limits))]
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


def _image(info: ObjectInfo, bucket: Objects, limits: DatasetSettings) -> bytes:
    """The picture as it is sent, and as such checked."""
    stored = read_whole(bucket, info)
    turned = orientation(stored, info.name, max_pixels=limits.max_image_pixels)
    image = bare_picture(stored, kind_by_name(info.name), orientation=turned)
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
