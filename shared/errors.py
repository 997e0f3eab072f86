"""Every failure that the product names: one tree, one code each, one sentence for the person who meets it.

The docstring of a leaf class *is* its message; `{names}` in it are filled from the keyword arguments. Adapters
translate SDK errors into these once, with `from`. `retryable` says that the same step may succeed when it is simply
tried again later: message handlers let such an error through so that Pub/Sub delivers again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar


class ProductError(Exception):
    """Something went wrong: try again, and tell the operator if it stays."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, **facts: Any) -> None:
        """Keep `facts` for the sentence and for the `details` of an API problem; none of them may be a secret.

        `charged` is no fact of the sentence: it says whether the failed run cost money, where the error itself knows.
        """
        self.charged: bool | None = facts.pop("charged", None)
        self.facts = facts
        super().__init__(" ".join((type(self).__doc__ or "").split()).format_map(facts))

    @property
    def message(self) -> str:
        """The sentence that the user reads."""
        return str(self)


class DatasetError(ProductError):
    """The pictures or captions of the shoot cannot be trained on as they are."""

    status = 422


class NoPreprocessedImages(DatasetError):
    """The shoot has no preprocessed images: let the preprocessing finish, or add pictures to it, then train again."""

    code = "no_preprocessed_images"


class TooFewImages(DatasetError):
    """This trainer needs at least {minimum} pictures and would get {count}: add pictures, or leave fewer out."""

    code = "too_few_images"


class TooManyImages(DatasetError):
    """The shoot has {count} pictures and at most {maximum} can be trained on: take some out, then train again."""

    code = "too_many_images"


class DatasetTooLarge(DatasetError):
    """{what} has {bytes:,} bytes and at most {maximum:,} are allowed: use smaller pictures, then train again."""

    code = "dataset_too_large"


class UnreadableImage(DatasetError):
    """The picture {file} cannot be read as the image it claims to be ({reason}): replace it, then train again."""

    code = "unreadable_image"


class InvalidCaption(DatasetError):
    """The caption {file} cannot be used ({reason}): correct it, then train again."""

    code = "invalid_caption"


class DuplicateImageName(DatasetError):
    """The pictures {file} and {other} would share one name in the archive: rename one of them, then train again."""

    code = "duplicate_image_name"


class InvalidImageName(DatasetError):
    """The picture {file} cannot go into the archive under its name ({reason}): rename it, then train again."""

    code = "invalid_image_name"


class DatasetChanged(DatasetError):
    """The shoot's pictures or captions were changed after this training was asked for and before they were packed: look
    them over, then train again."""

    code = "dataset_changed"


class ArchiveFailed(ProductError):
    """The ZIP of the dataset could not be made ({reason}): train again, and tell the operator if it fails again."""

    code = "archive_failed"


class Unavailable(ProductError):
    """Something that we depend on does not answer."""

    status = 503
    retryable = True


class StorageUnavailable(Unavailable):
    """Cloud Storage refused or did not answer ({reason}): try again in a few minutes."""

    code = "storage_unavailable"


class DatabaseUnavailable(Unavailable):
    """The database refused or did not answer ({reason}): try again in a few minutes."""

    code = "database_unavailable"


class MessagingUnavailable(Unavailable):
    """The message queue refused or did not answer ({reason}): try again in a few minutes."""

    code = "messaging_unavailable"


class TrainerUnavailable(Unavailable):
    """fal.ai cannot be reached or keeps failing ({reason}): try again later."""

    code = "trainer_unavailable"


class ErasureWaits(Unavailable):
    """An erasure waits for something that ends by itself."""


class NotSettled(ErasureWaits):
    """The {noun} {id} has ended and is being settled: it is deleted right after, and there is nothing to do."""

    code = "not_settled"


class ModelInUse(ErasureWaits):
    """The model {id} is deleted as soon as it is not used any more ({reason}): wait, or cancel that."""

    code = "model_in_use"


class ErasedByAnother(ErasureWaits):
    """Another erasure, {erasure_id}, is deleting {id}: this one goes on when that is done, and there is nothing to
    do."""

    code = "erased_by_another"


class TrainerRejectedInput(ProductError):
    """fal.ai refused the request ({field}: {reason}): correct that, then train again."""

    code = "trainer_rejected_input"
    status = 422


class TrainerAccountLocked(ProductError):
    """fal.ai does not accept our account ({reason}): the operator has to check the balance and the key at fal.ai."""

    code = "trainer_account_locked"
    status = 502


class SubmissionUnconfirmed(Unavailable):
    """fal.ai has not confirmed yet that it accepted the training ({reason}): it is being looked for there, and it is
    never sent a second time. There is nothing to do but wait."""

    code = "submission_unconfirmed"


class SubmissionUncertain(ProductError):
    """fal.ai may have accepted the training but never confirmed it ({reason}), so it was not sent again and may have
    cost money: look at fal.ai's request list, then decide whether to train again."""

    code = "submission_uncertain"
    status = 502


class TrainingFailed(ProductError):
    """fal.ai ran the training and it failed ({reason}): check the pictures and captions, then train again."""

    code = "training_failed"
    status = 502


class ArtifactUnavailable(ProductError):
    """The trained weights exist at fal.ai but could not be fetched ({reason}): recover the training soon, at no
    further cost."""

    code = "artifact_unavailable"
    status = 502
    retryable = True


class ArtifactCorrupt(ProductError):
    """What fal.ai delivered is not whole ({reason}): recover the training to fetch it again, at no further cost."""

    code = "artifact_corrupt"
    status = 502


class TimedOut(ProductError):
    """The stage "{stage}" did not finish within {limit_s:.0f} seconds: train again, and tell the operator if that
    happens again."""

    code = "timed_out"
    status = 504


class NotFound(ProductError):
    """There is nothing of yours under that id."""

    status = 404


class ShootNotFound(NotFound):
    """There is no shoot {id} of yours: list your shoots to see their ids."""

    code = "shoot_not_found"


class JobNotFound(NotFound):
    """There is no job {id} of yours."""


class TrainingNotFound(JobNotFound):
    """There is no training {id} of yours: list your trainings to see their ids."""

    code = "training_not_found"


class ImagesNotFound(JobNotFound):
    """There are no pictures {id} of yours: list your pictures to see their ids."""

    code = "images_not_found"


class ModelNotFound(NotFound):
    """There is no model {id} of yours: list your models to see their ids."""

    code = "model_not_found"


class ErasureNotFound(NotFound):
    """There is no erasure {id} of yours: list your receipts to see their ids."""

    code = "erasure_not_found"


class PersonNotFound(NotFound):
    """There is nothing of yours about the person {id}: list your people to see their ids."""

    code = "person_not_found"


class DeadLetterNotFound(NotFound):
    """There is no dead letter {id}: list them anew, since somebody may have redriven it, or look at it right now."""

    code = "dead_letter_not_found"


class Unauthenticated(ProductError):
    """We do not know who you are ({reason}): sign in, or sign in again."""

    code = "unauthenticated"
    status = 401


class IdentityKeysUnavailable(Unavailable):
    """The keys that sign-ins are checked with cannot be fetched now ({reason}): try again in a few minutes."""

    code = "identity_keys_unavailable"


class NotAllowed(ProductError):
    """That is not allowed: {reason}."""

    code = "not_allowed"
    status = 403


class InvalidRequest(ProductError):
    """The request cannot be understood: {reason}."""

    code = "invalid_request"
    status = 422


class InvalidParameter(ProductError):
    """The trainer {trainer} {reason}: change that parameter, then ask again."""

    code = "invalid_parameter"
    status = 422


class AlreadyTrained(ProductError):
    """The same pictures, trigger word and parameters already gave the model {model_id}: use it, or train anyway with
    `force`."""

    code = "already_trained"
    status = 409


class AlreadyTraining(ProductError):
    """The same pictures, trigger word and parameters are being trained already: follow the training {training_id}, or
    train anyway, and pay again, with `force`."""

    code = "already_training"
    status = 409


class AlreadyPaid(ProductError):
    """The same pictures, trigger word and parameters may have been paid for: see whether the training {training_id} can
    be recovered at no further cost, or train anyway, and pay again, with `force`."""

    code = "already_paid"
    status = 409


class CannotContinue(ProductError):
    """This model cannot be continued ({reason}): train it again from the start, with the same pictures and
    settings."""

    code = "cannot_continue"
    status = 422


class ModelErased(ProductError):
    """The model {id} is deleted, or about to be: no pictures are made with it and no training continues from it, and
    nothing was charged. Choose another model."""

    code = "model_erased"
    status = 409


class Conflict(ProductError):
    """That cannot be done as things stand: {reason}."""

    code = "conflict"
    status = 409


class RateLimited(ProductError):
    """Too many requests: wait {retry_after_s:.0f} seconds, then go on."""

    code = "rate_limited"
    status = 429
    retryable = True


class TooManyStreams(ProductError):
    """You follow {maximum} trainings live already, and no more are allowed at once: close one of the pages or commands
    that do, or ask for the training itself now and then."""

    code = "too_many_streams"
    status = 429
    retryable = True


class LiveStreamsUnavailable(Unavailable):
    """So many trainings are followed live just now that there is no room for another: try again in
    {retry_after_s:.0f} seconds, and until then ask for the training itself now and then."""

    code = "live_streams_unavailable"


class BudgetExceeded(ProductError):
    """This would cost {cost} and {left} of the {limit} for today are left: wait, or ask the operator for more."""

    code = "budget_exceeded"
    status = 402


class TooManyTrainings(ProductError):
    """You have {count} trainings under way and {maximum} may run at once: wait until one ends, or cancel one."""

    code = "too_many_trainings"
    status = 429


class TooManyImageJobs(ProductError):
    """You have {count} sets of pictures under way and {maximum} may be made at once: wait until one is done."""

    code = "too_many_image_jobs"
    status = 429


class Canceled(ProductError):
    """The training was canceled ({detail})."""

    code = "canceled"
    status = 409


class NotificationUndelivered(Unavailable):
    """The receiver of notifications did not take one ({reason}): it is tried again, and after the last attempt it waits
    in the dead letters. See to the receiver, then redrive it."""

    code = "notification_undelivered"


class NotificationWaits(Unavailable):
    """{id} is being deleted, so its end is not told now: where it stays it is told at a later delivery. If that is a
    dead letter by then, redrive it."""

    code = "notification_waits"


class NotificationRefused(ProductError):
    """The receiver of notifications does not want them ({reason}): check NOTIFY_URL, NOTIFY_SECRET and the receiver,
    then redrive the dead letter."""

    code = "notification_refused"
    status = 502


class UndecodableMessage(ProductError):
    """The message is not one of ours ({reason}): it belongs in the dead letters."""

    code = "undecodable_message"
    status = 400


class WebhookForged(ProductError):
    """The callback is not signed by fal.ai: {reason}."""

    code = "webhook_forged"
    status = 401


class WebhookKeysUnavailable(Unavailable):
    """fal.ai's signing keys cannot be fetched now ({reason}): send the callback again later."""

    code = "webhook_keys_unavailable"


class BodyTooSlow(ProductError):
    """The request body did not arrive within {limit_s:.0f} seconds: send it again, over a faster connection."""

    code = "body_too_slow"
    status = 408
    retryable = True


class PayloadTooLarge(ProductError):
    """The request body is larger than the {maximum:,} bytes that are allowed: send less."""

    code = "payload_too_large"
    status = 413


def catalogue() -> Iterator[type[ProductError]]:
    """Every leaf of the tree, once: what the documentation and the tests enumerate."""

    def leaves(kind: type[ProductError]) -> Iterator[type[ProductError]]:
        for child in kind.__subclasses__():
            yield from leaves(child) if child.__subclasses__() else (child,)

    return leaves(ProductError)
