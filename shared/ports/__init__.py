"""What the use cases need of the world, in their own words. Adapters fulfil it; fakes keep the same promises.

Errors of every implementation: repositories raise `DatabaseUnavailable`, objects `StorageUnavailable`, publishing
`MessagingUnavailable`, fal.ai's port what is declared there. Nothing else escapes.

One module for each subject; everything is imported from here.
"""

from shared.ports.clock import Clock
from shared.ports.fal import (
    Artifact,
    ArtifactSource,
    CancelAnswer,
    ForgetAnswer,
    Forgotten,
    RunOutput,
    RunState,
    RunStatus,
    Submission,
    Trainer,
    WebhookVerifier,
)
from shared.ports.identity import Authenticator
from shared.ports.jobs import ImageJobRepository, JobRepository, TrainingRepository
from shared.ports.messages import AsyncPublisher, DeadLetter, DeadLetters, Publisher, Receiver
from shared.ports.models import ModelRepository, ShootRepository
from shared.ports.objects import ObjectInfo, Objects
from shared.ports.pages import Page
from shared.ports.records import AccountRepository, ErasureRepository, NoticeRepository, StoryRepository

__all__ = [
    "AccountRepository",
    "Artifact",
    "ArtifactSource",
    "AsyncPublisher",
    "Authenticator",
    "CancelAnswer",
    "Clock",
    "DeadLetter",
    "DeadLetters",
    "ErasureRepository",
    "ForgetAnswer",
    "Forgotten",
    "ImageJobRepository",
    "JobRepository",
    "ModelRepository",
    "NoticeRepository",
    "ObjectInfo",
    "Objects",
    "Page",
    "Publisher",
    "Receiver",
    "RunOutput",
    "RunState",
    "RunStatus",
    "ShootRepository",
    "StoryRepository",
    "Submission",
    "Trainer",
    "TrainingRepository",
    "WebhookVerifier",
]
