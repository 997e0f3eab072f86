"""What happened, in sentences for people: one for every event that is logged of a training, and for every move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.stages import Status
from shared.stories import Outcome, StoryEntry, StoryEvent
from shared.training_records import Move

_MOVES: Mapping[Status, str] = {
    Status.REQUESTED: "Requested: it is to be prepared for fal.ai",
    Status.PACKAGED: "Packaged: what fal.ai fetches is ready",
    Status.SUBMITTING: "Submitting: one delivery has the right to ask fal.ai, once",
    Status.SUBMITTED: "Submitted: fal.ai has it",
    Status.RUNNING: "Running at fal.ai",
    Status.MIRRORING: "Mirroring: what was paid for is being fetched",
    Status.SUCCEEDED: "Succeeded",
    Status.FAILED: "Failed",
    Status.CANCELED: "Canceled",
}

_EVENTS: Mapping[str, str] = {
    "training_requested": "The training was asked for, at {quoted_usd}.",
    "images_requested": "Pictures were asked for: {images} ({origin}).",
    "images_prepared": "The weights were signed and handed to the submitter.",
    "images_differ_in_number": "fal.ai delivered {delivered} of the pictures, and {asked} were asked for.",
    "images_kept": "Pictures were verified and kept: {images}; flagged as unsafe: {flagged}.",
    "images_finished": "They were settled: {status}, {cost_usd}, {total_s} s.",
    "samples_not_requested": "No sample pictures could be asked for ({code}); the model is not touched by that.",
    "training_not_announced": "It was recorded but could not be announced; the monitor announces it.",
    "training_recovered": "What was paid for was asked for again.",
    "training_retried": "It was started anew as {successor_id}.",
    "cancellation_decided": "Somebody wanted to cancel it: {outcome}.",
    "step_redriven": "An operator had its step announced again.",
    "dead_letter_redriven": "An operator had a message that had been given up delivered again: {topic}.",
    "dead_letter_discarded": "An operator discarded a message that had been given up: {topic}.",
    "archive_was_gone": "The ZIP was not there any more; another is made.",
    "dataset_packaged": "The ZIP was made: {images} pictures, {bytes} bytes.",
    "archive_announced": "The ZIP was signed and handed to the submitter.",
    "model_retrained": "A model is trained again.",
    "parent_is_gone": "The model that was trained again has been deleted, so the new one cannot be compared with it.",
    "manifest_not_readable": "The list of the dataset's files cannot be read; the model is kept all the same.",
    "archive_dropped": "A ZIP that is not wanted any more was deleted.",
    "archive_url_ran_out": "The ZIP's URL would not have lasted long enough: nothing was sent, it is signed again.",
    "submission_not_due": "Nothing was sent to fal.ai: not due ({reason}, it is {status}).",
    "claim_won": "This delivery got the right to ask fal.ai (claim {claim}).",
    "claim_ran_out": "The claim ran out before anything was sent; the next delivery may ask.",
    "claim_released": "fal.ai certainly accepted nothing ({code}): the right to ask is free again.",
    "training_submitted": "fal.ai accepted it as request {request_id}: from here on it costs money.",
    "submission_uncertain": "fal.ai may have accepted it, but did not say so ({reason}): nobody sends it again.",
    "submission_not_recorded": "fal.ai accepted it as {request_id}, and the database refused to record that.",
    "submission_found": "The unanswered request was found in fal.ai's list as {request_id}, by its nonce.",
    "submission_not_listed": "fal.ai's list does not show the unanswered request yet, which proves nothing.",
    "run_began": "fal.ai began (request {request_id}).",
    "run_not_done": "fal.ai is not done with request {request_id}.",
    "run_ended": "fal.ai's run {request_id} ended without a result to keep: {code}.",
    "result_found": "The monitor reported request {request_id} to the mirror: {reason}.",
    "result_is_ours": "The report of request {request_id}, by the {reported_by}, matches in nonce and request.",
    "result_is_not_ours": "A report of request {request_id} does not match ({mismatch}); nothing was done.",
    "result_is_not_readable": "Our key cannot read request {request_id}, so nobody but a caller says that it is ours.",
    "late_result_found": "The monitor saw that request {request_id}, which had been given up, is done after all.",
    "training_no_longer_watched": "fal.ai was asked about it long enough: nobody asks any more.",
    "result_came_late": "fal.ai finished {request_id} after it had been given up: what it made can be fetched.",
    "artifacts_refused": "What was fetched ({output}) did not verify, attempt {attempt}: {reason}.",
    "artifacts_verified": "The weights ({output}) verified: {bytes} bytes, {tensors} tensors, sha256 {sha256}.",
    "version_allocated": "It got the version number {version}.",
    "version_was_taken": "The number {version} is of a model that the database does not know: the next one was taken.",
    "model_kept": "The model {model_id} was kept: version {version}, {bytes} bytes.",
    "failed_log_not_kept": "The log of the failed run could not be kept: {reason}",
    "training_finished": "It was settled: {status}, {cost_usd}, {total_s} s.",
    "notification_sent": "Its end was told to the receiver of notifications ({notification}).",
    "notification_hindered": "Its end could not be told ({code}, delivery {attempt}); it is tried again.",
    "notification_given_up": "Its end was not told: {code}. The message waits in the dead letters.",
    "archive_deleted": "Its ZIP was deleted.",
    "archive_swept": "The monitor found its ZIP after the end, and finished it.",
    "archive_of_nobody": "A ZIP of a training that nobody knows was deleted.",
    "training_canceled": "fal.ai was asked to stop, and it ended.",
    "cancellation_answered": "fal.ai was asked to stop the run: {answer}.",
    "stage_announced_again": "Nobody had begun its step ({status}) for a while; it was announced again.",
    "training_expired": "It had been {was} for more than {limit_s} s and was given up: {code}.",
    "step_hindered": "The step did not work ({code}, delivery {attempt}); it is tried again.",
    "step_after_the_end_hindered": "Tidying up did not work ({code}, delivery {attempt}); it is tried again.",
    "training_failed": "It was ended as failed: {code}, at delivery {attempt}.",
    "delivery_lost_a_race": "Another delivery was faster: {reason}",
    "message_for_unknown_training": "A {topic} came for a job that is not there.",
    "check_hindered": "The monitor could not look after it ({code}); it goes on trying.",
    "job_is_gone": "It was deleted while the monitor was about to look.",
    "check_lost_a_race": "The monitor looked while somebody else moved it: {reason}",
    "tick_done": "{checked} jobs looked after, {hindered} in vain, {swept} leftover ZIPs, {late} late.",
    "trainer_answered": "fal.ai answered {http_status} to {operation} in {seconds} s.",
    "trainer_silent": "fal.ai did not answer to {operation} ({reason}) for {seconds} s.",
}


class _Facts(dict[str, str]):
    """An event of an older version may lack a field, and has a sentence all the same."""

    def __missing__(self, name: str) -> str:
        return "?"


def _word(name: str, value: Any) -> str:
    if value is None:
        return "an unknown price" if name.endswith("_usd") else "unknown"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if not name.endswith("_usd"):
        return f"{round(value, 3):,}"
    # pictures cost cents, and parts of them
    return f"${value:,.3f}".removesuffix("0") if value < 1 else f"${value:,.2f}"


def sentence_of_event(event: StoryEvent) -> str:
    """What the event says; its name where nobody wrote a sentence for it."""
    template = _EVENTS.get(event.name, event.name.replace("_", " ").capitalize() + ".")
    return template.format_map(_Facts({name: _word(name, value) for name, value in event.fields.items()}))


def sentence_of_move(move: Move) -> str:
    """Where the training arrived, and why."""
    return f"{_MOVES[move.status]} ({move.reason})." if move.reason else f"{_MOVES[move.status]}."


def sentence_of_arrival(entry: StoryEntry) -> str | None:
    """That a message came to a function; None where none did."""
    if (message := entry.message) is None:
        return None
    again = f", delivery {message.attempt}" if message.attempt > 1 else ""
    return f"{message.topic} came to the {entry.function}{again}."


def sentence_of_ending(entry: StoryEntry) -> str | None:
    """How the invocation ended, where it has to be said."""
    if entry.outcome is Outcome.ACKED:
        return f"The {entry.function} was done with it."
    if entry.outcome is Outcome.NACKED:
        return f"The {entry.function} could not go on ({entry.code}): the message comes again."
    return f"The {entry.function} answered {entry.status or ''} ({entry.code})." if entry.code else None
