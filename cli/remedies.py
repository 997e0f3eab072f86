"""What to do about a failure, and with which command: made of the `remedy` that the API tells, and of nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from cli.output import clean
from cli.parameters import value_as_given
from shared.remedies import Remedy

Document = Mapping[str, Any]

OF_TRAINING: Mapping[str, str] = {
    Remedy.RETRY: "Nothing is wrong with the shoot. Train again later: {retry}",
    Remedy.RECOVER: "The weights are paid for. Fetch them again soon, at no further cost: {retry}",
    Remedy.EDIT_SHOOT: "See all that is wrong: {report}. Mend it, then: {retry}",
    Remedy.LOOK_AT_SHOOT: "Look the shoot over: {shoot}. To train it as it is then: {retry}",
    Remedy.CHANGE_REQUEST: "Mend what the reason names, then: {retry}",
    Remedy.LOOK_AT_FAL: "Look at fal.ai's request list first: training again may cost a second time. "
    "If need be: {retry}",
    Remedy.ASK_OPERATOR: "Your shoot is fine. When the operator has mended it: {retry}",
    Remedy.CHOOSE_MODEL: "Choose another model: lora models list. Or train it from the start: {anew}",
    Remedy.BEGIN_ANEW: "Train it from the start: {anew}",
}
OF_PICTURES: Mapping[str, str] = {
    Remedy.RETRY: "Ask for them again: {retry}",
    Remedy.RECOVER: "They are paid for. Fetch them again soon, at no further cost: {retry}",
    Remedy.CHANGE_REQUEST: "Ask with another prompt, or as it was: {retry}",
    Remedy.LOOK_AT_FAL: "Look at fal.ai's request list first: asking again may cost a second time. If need be: {retry}",
    Remedy.ASK_OPERATOR: "When the operator has mended it: {retry}",
    Remedy.CHOOSE_MODEL: "Choose another model: lora models list",
}


def advice(training: Document) -> str:
    """What to do about a training that failed; of a remedy that is not known here nothing is promised."""
    known = OF_TRAINING.get(_remedy(training), "Do what the reason says.")
    shoot = training["shoot_id"]
    return known.format(
        retry=f"lora trainings retry {training['id']}",
        report=f"lora shoots report {shoot}",
        shoot=f"lora shoots show {shoot}",
        anew=train_again(training),
    )


def advice_of_pictures(job: Document) -> str:
    """The same for a set of pictures that failed or was canceled."""
    return OF_PICTURES.get(_remedy(job), "Do what the reason says.").format(retry=f"lora images retry {job['id']}")


def train_again(training: Document) -> str:
    """The command that asks for the same training from the start, to be changed."""
    words = ["lora", "train", training["shoot_id"], "--trigger", training["trigger_word"]]
    words += ["--name", training["model_name"], "--trainer", training["trainer"]]
    for name, value in training["parameters"].items():
        words += ["--set", f"{name}={value_as_given(value)}"]
    return shlex.join(clean(word) for word in words)


def _remedy(job: Document) -> str:
    return str((job.get("error") or {}).get("remedy"))
