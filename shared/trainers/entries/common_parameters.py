"""Parameters that several trainers share in all but their numbers, so that they are worded once. Data."""

from __future__ import annotations

from shared.trainers.parameters import Kind, Parameter

# Where fal.ai tells no range: outside of this one nothing is learned, or nothing else, and it would be paid for.
SENSIBLE_LEAST_RATE = 1e-6
SENSIBLE_MOST_RATE = 1e-2


def steps(*, default: int, minimum: int, maximum: int, step: int | None = None) -> Parameter:
    """How long to train."""
    return Parameter(
        name="steps",
        kind=Kind.INTEGER,
        title="Steps",
        help="How long to train: the price grows with it. Too many, and the model only repeats your pictures.",
        default=default,
        minimum=minimum,
        maximum=maximum,
        step=step,
        advanced=False,
        usual_maximum=min(maximum, 4000),
    )


def learning_rate(
    *, default: float, minimum: float = SENSIBLE_LEAST_RATE, maximum: float = SENSIBLE_MOST_RATE
) -> Parameter:
    """How much each step changes."""
    return Parameter(
        name="learning_rate",
        kind=Kind.NUMBER,
        title="Learning rate",
        help="How much each step changes. Higher learns faster and forgets more of everything else.",
        default=default,
        minimum=minimum,
        maximum=maximum,
    )


def default_caption() -> Parameter:
    """What pictures without a caption get."""
    return Parameter(
        name="default_caption",
        kind=Kind.TEXT,
        title="Caption of pictures without one",
        help="Used for pictures that have no caption. The trigger word is put in front where it is missing, and "
        "stands alone where this is empty.",
        default="",
        max_length=1000,
    )


def flag(name: str, title: str, words: str, *, default: bool) -> Parameter:
    """Yes or no."""
    return Parameter(name=name, kind=Kind.BOOLEAN, title=title, help=words, default=default)
