"""Routes of reports: what a shoot would be as a dataset, before anything is paid."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import ConfigDict, Field

from functions.api.auth import User
from functions.api.dataset_report import Report, report_dataset
from functions.api.findings import Severity
from functions.api.given_captions import MAX_CAPTIONS
from functions.api.seats import Seats
from functions.api.start_training import owned_shoot
from functions.api.views import View
from shared import bootstrap
from shared.datasets import TRIGGER_WORD_PATTERN
from shared.trainers import DEFAULT_TRAINER

router = APIRouter(prefix="/v1/shoots", tags=["shoots"])


class PixelsView(View):
    """How large a picture is, as people see it."""

    width: int = Field(examples=[1024])
    height: int = Field(examples=[1536])


class FindingView(View):
    """One thing about the dataset: an error blocks a training, a warning does not; `file` is null for the whole."""

    severity: Severity
    code: str = Field(examples=["near_duplicate"])
    file: str | None = Field(examples=["07.jpg"])
    message: str


class ReportView(View):
    """A shoot as a dataset; `blocking` means that a training would fail at once, and cost nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "shoot_id": "s_3f0c1b9a52de4471a6b8e0d2",
                    "blocking": True,
                    "image_count": 12,
                    "captioned_count": 11,
                    "bytes": 1_204_331,
                    "smallest": {"width": 480, "height": 640},
                    "median": {"width": 1024, "height": 1024},
                    "largest": {"width": 1024, "height": 1536},
                    "findings": [
                        {
                            "severity": "error",
                            "code": "unreadable_image",
                            "file": "07.jpg",
                            "message": "The picture 07.jpg cannot be read as the image it claims to be (it is a PNG, "
                            "not a JPEG): replace it, then train again.",
                        },
                        {
                            "severity": "warning",
                            "code": "caption_missing",
                            "file": "02.jpg",
                            "message": "The picture 02.jpg has no caption: it will be trained with the trigger word "
                            "alone.",
                        },
                    ],
                }
            ]
        }
    )

    shoot_id: str
    blocking: bool
    image_count: int
    captioned_count: int
    bytes: int
    smallest: PixelsView | None = Field(description="The picture with the fewest pixels; null where none can be read")
    median: PixelsView | None
    largest: PixelsView | None
    findings: list[FindingView]


@router.get("/{shoot_id}/report")
def report_shoot(
    shoot_id: str,
    user: User,
    request: Request,
    trigger_word: Annotated[str | None, Query(pattern=TRIGGER_WORD_PATTERN, examples=["TOK"])] = None,
    trainer: str = DEFAULT_TRAINER,
    without: Annotated[
        list[str], Query(max_length=MAX_CAPTIONS, description="Pictures that are to be left out", examples=[["07"]])
    ] = [],  # noqa: B006 - FastAPI copies defaults
) -> ReportView:
    """What is wrong with your shoot, and what is worth a look, before you pay: every picture and caption is read now.

    Without a `trigger_word` nothing is said about captions that lack it.
    """
    shoot = owned_shoot(shoot_id, user, bootstrap.shoots())
    seats: Seats = request.app.state.look_seats
    with seats.taken(user):
        report = report_dataset(
            shoot.id,
            trigger_word=trigger_word,
            captions={},
            without=without,
            trainer=trainer,
            bucket=bootstrap.shoots_bucket(),
            limits=bootstrap.dataset_settings(),
        )
    return _view(report)


def _view(report: Report) -> ReportView:
    return ReportView.model_validate(report)
