"""Every failure that the product names: one tree, one code each, one sentence for the person who meets it.

The docstring of a leaf class *is* its message; `{names}` in it are filled from the keyword arguments. Adapters
translate SDK errors into these once, with `from`. `retryable` says that the same step may succeed when it is simply
tried again later: message handlers let such an error through so that Pub/Sub delivers again. `remedy` is what a person
can do about it, of which the API tells, and console and CLI make their buttons and advice. `of_pictures` is the
sentence in the words of who asked for pictures, where the docstring's are those of a training.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar

from shared.remedies import Remedy


class ProductError(Exception):
    """Something went wrong: try again, and tell the operator if it stays."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    remedy: ClassVar[Remedy] = Remedy.RETRY
    of_pictures: ClassVar[str] = ""

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

    @property
    def message_of_pictures(self) -> str:
        """The same where it is about pictures."""
        return self.of_pictures.format_map(self.facts) or self.message


class DatasetError(ProductError):
    """The pictures or captions of the shoot cannot be trained on as they are."""

    status = 422
    remedy = Remedy.EDIT_SHOOT


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
    remedy = Remedy.LOOK_AT_SHOOT


class ArchiveFailed(ProductError):
    """The ZIP of the dataset could not be made ({reason}): train again, and tell the operator if it fails again."""

    code = "archive_failed"
    remedy = Remedy.RETRY


class Unavailable(ProductError):
    """Something that we depend on does not answer."""

    status = 503
    retryable = True
    remedy = Remedy.RETRY


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

    remedy = Remedy.WAIT


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
    remedy = Remedy.CHANGE_REQUEST
    of_pictures = "fal.ai refused the request ({field}: {reason}): correct that, then ask for the pictures again."


class TrainerAccountLocked(ProductError):
    """fal.ai does not accept our account ({reason}): the operator has to check the balance and the key at fal.ai."""

    code = "trainer_account_locked"
    status = 502
    remedy = Remedy.ASK_OPERATOR


class SubmissionUnconfirmed(Unavailable):
    """fal.ai has not confirmed yet that it accepted the training ({reason}): it is being looked for there, and it is
    never sent a second time. There is nothing to do but wait."""

    code = "submission_unconfirmed"
    remedy = Remedy.WAIT
    of_pictures = (
        "fal.ai has not confirmed yet that it makes the pictures ({reason}): the request is being looked for "
        "there, and it is never sent a second time. There is nothing to do but wait."
    )


class SubmissionUncertain(ProductError):
    """fal.ai may have accepted the training but never confirmed it ({reason}), so it was not sent again and may have
    cost money: look at fal.ai's request list, then decide whether to train again."""

    code = "submission_uncertain"
    status = 502
    remedy = Remedy.LOOK_AT_FAL
    of_pictures = (
        "fal.ai may have made the pictures but never confirmed it ({reason}), so the request was not sent "
        "again and may have cost money: look at fal.ai's request list, then decide whether to ask again."
    )


class TrainingFailed(ProductError):
    """fal.ai ran the training and it failed ({reason}): check the pictures and captions, then train again."""

    code = "training_failed"
    status = 502
    remedy = Remedy.CHANGE_REQUEST
    of_pictures = "fal.ai could not make the pictures ({reason}): change the prompt, then ask again."


class ArtifactUnavailable(ProductError):
    """The trained weights exist at fal.ai but could not be fetched ({reason}): recover the training soon, at no
    further cost."""

    code = "artifact_unavailable"
    status = 502
    retryable = True
    remedy = Remedy.RECOVER
    of_pictures = (
        "The pictures exist at fal.ai but could not be fetched ({reason}): fetch them again soon, at no further cost."
    )


class ArtifactCorrupt(ProductError):
    """What fal.ai delivered is not whole ({reason}): recover the training to fetch it again, at no further cost."""

    code = "artifact_corrupt"
    status = 502
    remedy = Remedy.RECOVER
    of_pictures = "What fal.ai delivered are not whole pictures ({reason}): fetch them again, at no further cost."


class TimedOut(ProductError):
    """The stage "{stage}" did not finish within {limit_s:.0f} seconds: train again, and tell the operator if that
    happens again."""

    code = "timed_out"
    status = 504
    remedy = Remedy.RETRY
    of_pictures = (
        'The stage "{stage}" did not finish within {limit_s:.0f} seconds: ask for the pictures again, and tell '
        "the operator if that happens again."
    )


class NotFound(ProductError):
    """There is nothing of yours under that id."""

    status = 404
    remedy = Remedy.CHANGE_REQUEST


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
    remedy = Remedy.CHOOSE_MODEL
    of_pictures = "The model {id} was deleted before pictures could be made with it: choose another one."


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
    remedy = Remedy.SIGN_IN


class IdentityKeysUnavailable(Unavailable):
    """The keys that sign-ins are checked with cannot be fetched now ({reason}): try again in a few minutes."""

    code = "identity_keys_unavailable"


class NotAllowed(ProductError):
    """That is not allowed: {reason}."""

    code = "not_allowed"
    status = 403
    remedy = Remedy.NONE


class InvalidRequest(ProductError):
    """The request cannot be understood: {reason}."""

    code = "invalid_request"
    status = 422
    remedy = Remedy.CHANGE_REQUEST


class InvalidParameter(ProductError):
    """The trainer {trainer} {reason}: change that parameter, then ask again."""

    code = "invalid_parameter"
    status = 422
    remedy = Remedy.CHANGE_REQUEST


class AlreadyTrained(ProductError):
    """The same pictures, trigger word and parameters already gave the model {model_id}: use it, or train anyway with
    `force`."""

    code = "already_trained"
    status = 409
    remedy = Remedy.USE_EXISTING


class AlreadyTraining(ProductError):
    """The same pictures, trigger word and parameters are being trained already: follow the training {training_id}, or
    train anyway, and pay again, with `force`."""

    code = "already_training"
    status = 409
    remedy = Remedy.USE_EXISTING


class AlreadyPaid(ProductError):
    """The same pictures, trigger word and parameters may have been paid for: see whether the training {training_id} can
    be recovered at no further cost, or train anyway, and pay again, with `force`."""

    code = "already_paid"
    status = 409
    remedy = Remedy.USE_EXISTING


class CannotContinue(ProductError):
    """This model cannot be continued ({reason}): train it again from the start, with the same pictures and
    settings."""

    code = "cannot_continue"
    status = 422
    remedy = Remedy.BEGIN_ANEW


class ModelErased(ProductError):
    """The model {id} is deleted, or about to be: no pictures are made with it and no training continues from it, and
    nothing was charged. Choose another model."""

    code = "model_erased"
    status = 409
    remedy = Remedy.CHOOSE_MODEL
    of_pictures = (
        "The model {id} is deleted, or about to be: no pictures were made with it, and nothing was charged. "
        "Choose another model."
    )


class Conflict(ProductError):
    """That cannot be done as things stand: {reason}."""

    code = "conflict"
    status = 409
    remedy = Remedy.NONE


class RateLimited(ProductError):
    """Too many requests: wait {retry_after_s:.0f} seconds, then go on."""

    code = "rate_limited"
    status = 429
    retryable = True
    remedy = Remedy.WAIT


class TooManyStreams(ProductError):
    """You follow {maximum} trainings live already, and no more are allowed at once: close one of the pages or commands
    that do, or ask for the training itself now and then."""

    code = "too_many_streams"
    status = 429
    retryable = True
    remedy = Remedy.WAIT


class LiveStreamsUnavailable(Unavailable):
    """So many trainings are followed live just now that there is no room for another: try again in
    {retry_after_s:.0f} seconds, and until then ask for the training itself now and then."""

    code = "live_streams_unavailable"
    remedy = Remedy.WAIT


class BudgetExceeded(ProductError):
    """This would cost {cost} and {left} of the {limit} for today are left: wait, or ask the operator for more."""

    code = "budget_exceeded"
    status = 402
    remedy = Remedy.WAIT


class TooManyTrainings(ProductError):
    """You have {count} trainings under way and {maximum} may run at once: wait until one ends, or cancel one."""

    code = "too_many_trainings"
    status = 429
    remedy = Remedy.WAIT


class TooManyImageJobs(ProductError):
    """You have {count} sets of pictures under way and {maximum} may be made at once: wait until one is done."""

    code = "too_many_image_jobs"
    status = 429
    remedy = Remedy.WAIT


class Canceled(ProductError):
    """The training was canceled ({detail})."""

    code = "canceled"
    status = 409
    remedy = Remedy.RETRY
    of_pictures = "The pictures were canceled ({detail})."


class NotificationUndelivered(Unavailable):
    """The receiver of notifications did not take one ({reason}): it is tried again, and after the last attempt it waits
    in the dead letters. See to the receiver, then redrive it."""

    code = "notification_undelivered"
    remedy = Remedy.ASK_OPERATOR


class NotificationWaits(Unavailable):
    """{id} is being deleted, so its end is not told now: where it stays it is told at a later delivery. If that is a
    dead letter by then, redrive it."""

    code = "notification_waits"
    remedy = Remedy.ASK_OPERATOR


class NotificationRefused(ProductError):
    """The receiver of notifications does not want them ({reason}): check NOTIFY_URL, NOTIFY_SECRET and the receiver,
    then redrive the dead letter."""

    code = "notification_refused"
    status = 502
    remedy = Remedy.ASK_OPERATOR


class UndecodableMessage(ProductError):
    """The message is not one of ours ({reason}): it belongs in the dead letters."""

    code = "undecodable_message"
    status = 400
    remedy = Remedy.NONE


class WebhookForged(ProductError):
    """The callback is not signed by fal.ai: {reason}."""

    code = "webhook_forged"
    status = 401
    remedy = Remedy.NONE


class WebhookKeysUnavailable(Unavailable):
    """fal.ai's signing keys cannot be fetched now ({reason}): send the callback again later."""

    code = "webhook_keys_unavailable"


class BodyTooSlow(ProductError):
    """The request body did not arrive within {limit_s:.0f} seconds: send it again, over a faster connection."""

    code = "body_too_slow"
    status = 408
    retryable = True
    remedy = Remedy.RETRY


class PayloadTooLarge(ProductError):
    """The request body is larger than the {maximum:,} bytes that are allowed: send less."""

    code = "payload_too_large"
    status = 413
    remedy = Remedy.CHANGE_REQUEST


def catalogue() -> Iterator[type[ProductError]]:
    """Every leaf of the tree, once: what the documentation and the tests enumerate."""

    def leaves(kind: type[ProductError]) -> Iterator[type[ProductError]]:
        for child in kind.__subclasses__():
            yield from leaves(child) if child.__subclasses__() else (child,)

    return leaves(ProductError)


@cache
def remedy_of(code: str) -> Remedy:
    """The remedy of the error with this code; `Remedy.NONE`, which promises nothing, where the catalogue has none."""
    return next((kind.remedy for kind in catalogue() if kind.code == code), Remedy.NONE)
