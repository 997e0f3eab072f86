/** What can be done with a training: hear of its end, look after it now, cancel it; and delete it when it has ended. */

import { get, ifThere, request } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { notifyButton } from "../lib/notify.js";
import { go } from "../lib/router.js";
import { cancelSentence, isEnded } from "../lib/stages.js";
import { busy, notice, sentenceOf, toast } from "../lib/ui.js";
import { eraseButton } from "./erase.js";
import { cancel } from "./outcome.js";

const ASKED = "fal.ai has been asked to stop. It may take a moment, or finish first.";
const CANNOT_CANCEL = "This installation cannot cancel a training yet: it will run to its end.";

/**
 * The buttons; `said` is where their answers are shown.
 * @param {Object} options
 * @param {Object} options.training
 * @param {HTMLElement} options.heading says where the training stands, and takes over the focus of a button that goes
 * @param {(training: Object) => void} options.onTraining
 */
export function trainingActions({ training, heading, onTraining }) {
  const said = h("div", { "aria-live": "polite" });
  const cancelling = h("button.quiet.small", { type: "button" }, "Cancel");
  const checking = h("button.quiet.small", { type: "button" }, "Check now");
  const notifying = notifyButton();
  const erasing = eraseButton({
    subject: "training", id: training.id, what: () => `this training of ${training.model_name}`, onDone: () => go("/trainings"),
  });
  let now = training;

  function show(next) {
    now = next;
    const ended = isEnded(next);
    for (const button of [cancelling, checking, notifying]) if (button) hide(button, ended);
    erasing.hidden = !ended;
    if (next.cancel_requested_at && !ended) showAsked();
  }

  function showAsked() {
    hide(cancelling, true);
    if (!said.firstChild) fill(said, notice("note", null, ASKED));
  }

  function hide(button, hidden) {
    if (hidden && document.activeElement === button) heading.focus();
    button.hidden = hidden;
  }

  async function pressCancel() {
    try {
      const outcome = await cancel(now, cancelSentence(now));
      if (!outcome) return;
      fill(said, notice(outcome.outcome === "too_late" ? "warn" : "note", null, outcome.message));
      if (outcome.training) onTraining(outcome.training);
    } catch (error) {
      fill(said, notice("bad", null, error.isMissing ? CANNOT_CANCEL : sentenceOf(error)));
    }
  }

  cancelling.addEventListener("click", pressCancel);
  checking.addEventListener("click", () => busy(checking, "Checking", () => check(now, onTraining)));
  return { element: h("div.actions", {}, notifying, checking, cancelling, erasing), said, show };
}

async function check(training, onTraining) {
  const id = encodeURIComponent(training.id);
  try {
    const checked = await ifThere(request("POST", `/v1/trainings/${id}/check`));
    onTraining(checked ?? (await get(`/v1/trainings/${id}`)));
    toast("Checked just now.");
  } catch (error) {
    toast(sentenceOf(error));
  }
}
