/** Why a training was not started: in a sentence, or with the one that is the same. */

import { h } from "../lib/dom.js";
import { notice, sentenceOf } from "../lib/ui.js";

const THE_SAME = {
  already_trained: {
    title: "You already have this model",
    sentence: "The same pictures, captions, trigger word and settings already gave a model.",
    see: "See the model",
    page: ({ model_id: id }) => `/models/${encodeURIComponent(id)}`,
  },
  already_training: {
    title: "This is being trained already",
    sentence: "The same pictures, captions, trigger word and settings are being trained now.",
    see: "See the training",
    page: ({ training_id: id }) => `/trainings/${encodeURIComponent(id)}`,
  },
  already_paid: {
    title: "This may have been paid for already",
    sentence: "The same was trained before, and what was paid for may still be fetched at no further cost.",
    see: "See that training",
    page: ({ training_id: id }) => `/trainings/${encodeURIComponent(id)}`,
  },
};

/** What is said of a refusal; where there is the same already, `again` trains it all the same. */
export function refusal(error, again) {
  const same = THE_SAME[error.code];
  if (!same) return notice("bad", null, sentenceOf(error));
  return notice("warn", same.title, same.sentence,
    h("a.button", { href: same.page(error.details) }, same.see),
    h("button.quiet", { type: "button", on: { click: again } }, "Train anyway, and pay again"));
}
