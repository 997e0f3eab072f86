/** The trainers that can be chosen; what a deployment without a list has. */

import { getIfThere } from "./api.js";
import { words } from "./format.js";

export const PREPROCESSED = "is_input_format_already_preprocessed";

const ONLY = {
  endpoint: "fal-ai/flux-lora-fast-training",
  title: "FLUX.1 LoRA, fast",
  minimum_images: 4,
  parameters: [
    { name: "steps", type: "int", default: 1000, minimum: 1, maximum: 10000, help: "How long to train; the price is linear in it." },
    { name: "create_masks", type: "bool", default: true, help: "Weigh the loss by masks of the subject." },
    { name: "is_style", type: "bool", default: false, help: "Learn a style instead of a subject." },
    { name: PREPROCESSED, type: "bool", default: true, help: "The pictures are preprocessed already, as the shoots' are." },
  ],
};

const LABELS = {
  [PREPROCESSED]: "Already preprocessed",
  create_masks: "Masks of the subject",
  is_style: "Learn a style, not a subject",
};

/** The trainers, the default one first. */
export async function trainers(signal) {
  const list = await getIfThere("/v1/trainers", { signal }).catch(() => null);
  return list?.items?.length ? list.items : [ONLY];
}

/** What a parameter is called: "Already preprocessed", or its own name as words. */
export function labelOf(name) {
  return LABELS[name] ?? words(name);
}
