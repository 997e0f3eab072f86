/** What to do about a failure, in words and buttons: made of the `remedy` that the API tells with it, and of nothing else. Pure. */

const PAID_TWICE = "fal.ai may have accepted the first request. If it did, this one is paid in addition.";

const OF_TRAINING = {
  retry: { sentence: "Nothing is wrong with the shoot: try again.", actions: ["retry", "shoot"] },
  recover: { sentence: "The weights are paid for. Fetching them again costs nothing more.", actions: ["recover"] },
  edit_shoot: { sentence: "Change the shoot, then train again.", actions: ["shoot", "as_it_was"] },
  look_at_shoot: { sentence: "Look the shoot over first: it is trained as it is then.", actions: ["retry", "shoot"] },
  change_request: { sentence: "Change the shoot or the settings, then train again.", actions: ["shoot", "as_it_was"] },
  look_at_fal: {
    sentence: "Look at fal.ai's request list first: if the run is there, training again costs a second time.",
    warning: PAID_TWICE, actions: ["retry", "shoot"],
  },
  ask_operator: { sentence: "Your shoot is fine. Try again when the operator has mended it.", actions: ["retry", "shoot"] },
  choose_model: { sentence: "As it was it would fail again.", actions: ["models", "anew"] },
  begin_anew: { sentence: "As it was it would fail again.", actions: ["anew"] },
};

const OF_PICTURES = {
  retry: { retry: "Try again", change: true },
  recover: { retry: "Fetch them again", sentence: "They are paid for: fetching them again costs nothing more." },
  change_request: { retry: "Try again as it was", sentence: "Another prompt may do.", change: true },
  look_at_fal: { retry: "Ask again", sentence: "Look at fal.ai's request list first.", warning: PAID_TWICE, change: true },
  ask_operator: { retry: "Try again", sentence: "Try again when the operator has mended it.", change: true },
  choose_model: { models: true },
};

/**
 * Of a training that failed: what is said, the actions with the one that helps first, and what is to be agreed to before
 * it is retried. Of a remedy that is not known here nothing is promised.
 * @returns {{sentence: string, actions: string[], warning?: string}}
 */
export function remedyOfTraining({ error }) {
  return OF_TRAINING[error?.remedy] ?? { sentence: "", actions: ["shoot"] };
}

/**
 * Of a set that failed or was canceled: the words of the button that asks again, where that can help, whether to `change`
 * it or to go to the `models` helps, and what is to be agreed to before.
 * @returns {{retry?: string, sentence?: string, warning?: string, change?: boolean, models?: boolean}}
 */
export function remedyOfSet({ error, status }) {
  const known = OF_PICTURES[error?.remedy] ?? { change: true };
  return status === "canceled" ? { ...known, retry: "Make them after all" } : known;
}

/** Why it waits and what happens next; a wait in which nothing is tried says so itself. */
export function waitSentence({ message, remedy }) {
  return remedy === "wait" ? message : `${message} It is tried again by itself.`;
}
