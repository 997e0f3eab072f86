"""What the API answers with about shoots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field

from functions.api.thumbnails import Thumbnail
from functions.api.views import View
from shared.models import Model
from shared.ports import ObjectInfo
from shared.shoots import Picture, Shoot, file_name


class LatestModelView(View):
    """The model of a shoot that was trained last."""

    id: str = Field(examples=["m_3f0c1b9a52de4471a6b8e0d2"])
    name: str = Field(examples=["red-riding-hood"])
    version: int = Field(examples=[2])


class ShootView(View):
    """A shoot with what its bucket holds now; `cover_url` is a signed URL of a small picture."""

    id: str = Field(examples=["s_3f0c1b9a52de4471a6b8e0d2"])
    person_id: str
    costume_name: str = Field(examples=["Red Riding Hood"])
    created_at: datetime
    image_count: int
    captioned_count: int
    cover_url: str | None = Field(description="Null where there is no picture, or none that can be read")
    latest_model: LatestModelView | None


class PictureView(View):
    """A picture of a shoot; `crc32c` is base64 as Cloud Storage writes it. Its look is null where it cannot be read."""

    name: str
    stem: str
    size: int
    crc32c: str
    caption: str | None = None
    thumbnail_url: str | None = Field(description="A signed URL of a WebP of at most 320 pixels on its longest side")
    width: int | None = Field(description="Of the picture itself, in pixels, as people see it", examples=[1024])
    height: int | None = Field(examples=[1536])


class FileView(View):
    """A stored file."""

    name: str
    size: int
    crc32c: str

    @classmethod
    def of(cls, info: ObjectInfo) -> FileView:
        """The file under its last name."""
        return cls(name=file_name(info.name), size=info.size, crc32c=info.crc32c)


class ShootDetailView(ShootView):
    """A shoot with its pictures, captions and the caption files' checksums."""

    pictures: list[PictureView]
    files: list[FileView]


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What else is shown of a shoot: thumbnails by file name, of all its pictures or of its cover, and its model."""

    thumbnails: Mapping[str, Thumbnail]
    latest_model: Model | None


def shoot_view(shoot: Shoot, found: Sequence[Picture], looks: Looks) -> ShootView:
    """The shoot with its counts, its cover and its latest model."""
    return ShootView(**_shoot_fields(shoot, found, looks))


def shoot_detail_view(
    shoot: Shoot, found: Sequence[Picture], looks: Looks, captions: Mapping[str, str | None]
) -> ShootDetailView:
    """The shoot with its pictures; `captions` by stem."""
    files = [info for p in found for info in (p.image, p.caption) if info is not None]
    return ShootDetailView(
        **_shoot_fields(shoot, found, looks),
        pictures=[_picture_view(picture, looks, captions.get(picture.stem)) for picture in found],
        files=[FileView.of(info) for info in files],
    )


def _picture_view(picture: Picture, looks: Looks, caption: str | None) -> PictureView:
    file = FileView.of(picture.image)
    thumbnail = looks.thumbnails.get(file.name)
    return PictureView(
        **file.model_dump(),
        stem=picture.stem,
        caption=caption,
        thumbnail_url=thumbnail.url if thumbnail else None,
        width=thumbnail.width if thumbnail else None,
        height=thumbnail.height if thumbnail else None,
    )


def _shoot_fields(shoot: Shoot, found: Sequence[Picture], looks: Looks) -> dict[str, Any]:
    cover = looks.thumbnails.get(file_name(found[0].image.name)) if found else None
    return {
        "id": shoot.id,
        "person_id": shoot.person_id,
        "costume_name": shoot.costume_name,
        "created_at": shoot.created_at,
        "image_count": len(found),
        "captioned_count": sum(1 for picture in found if picture.caption),
        "cover_url": cover.url if cover else None,
        "latest_model": LatestModelView.model_validate(looks.latest_model) if looks.latest_model else None,
    }
