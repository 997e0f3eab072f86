"""What helps where something went wrong: a small closed set, of which every error of the catalogue has one. Pure."""

from __future__ import annotations

from enum import StrEnum


class Remedy(StrEnum):
    """What a person can do about an error. Console and CLI make their buttons and advice of it, and of nothing else."""

    RETRY = "retry"
    """Nothing is wrong with what was asked: the same once more."""
    RECOVER = "recover"
    """What was paid for is at fal.ai: have it fetched again, at no further cost."""
    WAIT = "wait"
    """It passes by itself."""
    EDIT_SHOOT = "edit_shoot"
    """The shoot's pictures or captions are to be mended, then the same once more."""
    LOOK_AT_SHOOT = "look_at_shoot"
    """The shoot is not as it was: look at it, then the same once more with what is in it now."""
    CHANGE_REQUEST = "change_request"
    """What was asked with is to be different; the sentence says what: an id, a setting, a prompt, pictures."""
    LOOK_AT_FAL = "look_at_fal"
    """It may have been paid for: look into fal.ai's request list before the same is asked for, and paid, once more."""
    CHOOSE_MODEL = "choose_model"
    """That model is not to be had any more: the same would fail for ever, another model or a new one does not."""
    BEGIN_ANEW = "begin_anew"
    """These weights cannot be continued: the same would fail for ever, a training from the start does not."""
    USE_EXISTING = "use_existing"
    """It is there already, or on its way: the details name it."""
    SIGN_IN = "sign_in"
    """Say who you are."""
    ASK_OPERATOR = "ask_operator"
    """Only who runs the system can mend it; then the same once more."""
    NONE = "none"
    """There is nothing to do but to read the sentence."""
