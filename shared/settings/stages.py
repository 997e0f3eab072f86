"""Settings of the work itself, from the pictures to what is deleted in the end."""

from __future__ import annotations

from pydantic import Field

from shared.deadlines import Deadlines
from shared.environment import Group
from shared.settings.stores import MAX_SIGNED_S


class DatasetSettings(Group):
    """What the packager accepts, and how much memory it takes for reading ahead."""

    max_images: int = Field(2000, description="Pictures per training, at most")
    max_image_bytes: int = Field(40 << 20, description="Bytes per picture, at most")
    max_image_pixels: int = Field(80_000_000, description="Pixels per picture, at most")
    max_dataset_bytes: int = Field(4 << 30, description="Bytes of all pictures of a training, at most")
    max_caption_bytes: int = Field(16 << 10, description="Bytes per caption file, at most")
    max_caption_characters: int = Field(2000, description="Characters per caption, at most")
    read_ahead_bytes: int = Field(16 << 20, description="Bytes that are read ahead while the ZIP is written")
    read_ahead_objects: int = Field(16, description="Pictures that are read at the same time")
    archive_url_ttl_s: float = Field(MAX_SIGNED_S, le=MAX_SIGNED_S, description="How long the ZIP's URL is good for")


class SubmitSettings(Group):
    """How long a claim holds and how long an archive's URL has to be good for when it is sent."""

    claim_lease_s: float = Field(180.0, description="After this an unanswered submission is looked for at fal.ai")
    archive_url_min_s: float = Field(60 * 60, description="A ZIP's URL that is good for less is signed again first")


class MirrorSettings(Group):
    """What the mirror accepts as artifacts, in bytes."""

    max_weights_bytes: int = Field(4 << 30, description="Bytes of weights that are taken, at most")
    max_config_bytes: int = Field(1 << 20, description="Bytes of configuration that are taken, at most")
    max_made_bytes: int = Field(16 << 20, description="Bytes of a picture made with a model that are taken, at most")
    max_made_pixels: int = Field(20_000_000, description="Pixels of the same, at most")
    staging_s: float = Field(24 * 60 * 60, description="What a killed mirror left unverified is deleted after this")


class MonitorSettings(Group):
    """How one tick of the monitor is bounded and when it acts."""

    tick_trainings: int = Field(500, description="Jobs that one tick looks after, the longest waiting first")
    tick_objects: int = Field(2000, description="ZIPs that one tick looks at")
    progress_interval_s: float = Field(5.0, description="Progress is written at most this often per training")
    stalled_s: float = Field(120.0, description="After this a stage that should have moved is announced again")
    mirror_stalled_s: float = Field(600.0, description="The same for the mirror, which may take its time")
    watch_s: float = Field(
        24 * 60 * 60, description="How long fal.ai is asked about a run that was given up with its end unknown"
    )
    watch_interval_s: float = Field(15 * 60, description="How often it is asked about one")
    leftover_s: float = Field(15 * 60, description="A ZIP whose training is unknown is deleted after this")
    deadline_requested_s: float = Field(Deadlines.requested_s, description="How long packaging may take")
    deadline_packaged_s: float = Field(Deadlines.packaged_s, description="How long a ZIP may wait to be submitted")
    deadline_submitting_s: float = Field(
        Deadlines.submitting_s, description="How long an uncertain submission is looked for before it fails"
    )
    deadline_submitted_s: float = Field(Deadlines.submitted_s, description="How long fal.ai's queue may take")
    deadline_running_s: float = Field(Deadlines.running_s, description="How long the training itself may take")
    deadline_mirroring_s: float = Field(Deadlines.mirroring_s, description="How long fetching the weights may take")
    deadline_images_submitted_s: float = Field(
        Deadlines.images_submitted_s, description="How long fal.ai's queue may take for pictures"
    )
    deadline_images_running_s: float = Field(Deadlines.images_running_s, description="How long making them may take")

    @property
    def deadlines(self) -> Deadlines:
        """The deadlines as the domain knows them."""
        return Deadlines(
            requested_s=self.deadline_requested_s,
            packaged_s=self.deadline_packaged_s,
            submitting_s=self.deadline_submitting_s,
            submitted_s=self.deadline_submitted_s,
            running_s=self.deadline_running_s,
            mirroring_s=self.deadline_mirroring_s,
            images_submitted_s=self.deadline_images_submitted_s,
            images_running_s=self.deadline_images_running_s,
        )


class DeliverySettings(Group):
    """How often a message is delivered before it is a dead letter."""

    max_delivery_attempts: int = Field(10, ge=5, le=100, description="Deliveries of a message before it is dead")


class RetentionSettings(Group):
    """What is deleted by itself when it has had its time (models never are), and when a deletion is certain."""

    failed_kept_days: float = Field(
        0, ge=0, description="Days for which what failed or was canceled is kept, with its log; 0: for ever"
    )
    erasure_settles_s: float = Field(
        15 * 60,
        ge=0,
        description="After so long, more than a message is worked on, what changed lately is deleted once more",
    )
