"""What is told of everything that is erased, and of what stays. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from shared.erasing.things import Line, What

WORDS: Mapping[What, str] = {
    What.FAL_REQUEST: "the request at fal.ai, with what was sent and the files that it made",
    What.ARCHIVES: "the ZIP of pictures and captions",
    What.STAGED_FILES: "files that were fetched and not verified yet",
    What.FAILED_LOG: "fal.ai's log of the failed run",
    What.MODEL_FILES: "weights, configuration and what lies beside them",
    What.PICTURES: "pictures that were made with the model",
    What.SMALL_PICTURES: "small copies of these pictures",
    What.IMAGES: "the record of a set of pictures with its prompt, and what the app sees of it",
    What.LATE_IMAGES: "sets of pictures that were asked for while their model was being deleted",
    What.STORY: "the story of what happened",
    What.NOTICES: "the note of what a receiver of notifications was told",
    What.MODEL: "the model's record",
    What.TRAINING: "the training's record, and what the app sees of it",
    What.VERSIONS: "the note of whose these version numbers are",
    What.SHOOT_FILES: "the shoot's pictures and captions",
    What.SHOOT_THUMBNAILS: "small copies of the shoot's pictures",
    What.SHOOT: "the shoot's record",
    What.ACCOUNT: "what was spent today and reserved",
    What.BILLING: "fal.ai's bill for the run",
    What.TOLD: "what a receiver of notifications was told",
    What.SAFETY_COPIES: "copies against accidents",
}

THE_APPS = "pictures and record of a shoot are the app's: delete the shoot there"
MONEY = "the sum bounds what you may spend today; it names no person"
BILLED = "fal.ai keeps its own bills: a request id, a time and an amount, without what was sent"
COPIES = (
    "on Google Cloud, soft delete and the database's backups keep what was deleted, and audit logs the names of files, "
    "for the days that the operator has set, and then forget it by themselves"
)
TOLD = "where somebody outside is notified, ids and model names were sent there: they have to be forgotten there"
UNCONFIRMED = (
    "fal.ai never confirmed that it got the request, so it cannot be asked to delete it: look at fal.ai's "
    "request list. fal.ai forgets what it was sent after 30 days"
)
BY_ANOTHER = "another erasure deleted it: its receipt is {erasure_id}"
GONE_BEFORE = "it was gone when this erasure came to it"
BEGUN_AGAIN = "it was begun again meanwhile: delete it when it has ended"
MODEL_STAYS = "a training does not take its model along: delete the model by itself"
TRAINING_STAYS = "a model does not take its training along: delete the training by itself"

GENERAL: tuple[Line, ...] = (
    Line(what=What.ACCOUNT, reason=MONEY),
    Line(what=What.TOLD, reason=TOLD),
    Line(what=What.SAFETY_COPIES, reason=COPIES),
)
"""What stays whatever is erased."""
