/** What is known of a picture, and what can be done with it. */

import { h, icon } from "../lib/dom.js";
import { ago, moment } from "../lib/format.js";
import { costWords, priced, scaleWords, sizeWords } from "../lib/pictures.js";
import { busy, copyable, facts, time } from "../lib/ui.js";
import { deleteSet, makeMore, savePicture } from "./set_changes.js";

/** Its prompt and its facts. */
export function aboutPicture(set) {
  const model = h("a", { href: `/models/${encodeURIComponent(set.model_id)}` }, `${set.model_name} v${set.version}`);
  const group = set.group_id ? h("a", { href: `/comparisons/${encodeURIComponent(set.group_id)}` }, "See it side by side") : null;
  return [
    h("div.prompt", {}, copyable(set.prompt, "Copy the prompt", "p")),
    facts(
      ["Model", model], ["Seed", seedOf(set)], ["Scale", scaleWords(set.scale)],
      ["Size", sizeOf(set)], ["Cost", costWords(set)], ["Delivered", set.shortfall],
      ["Made", time(set.created_at, ago(set.created_at), moment(set.created_at))], ["Comparison", group],
    ),
  ];
}

/** fal.ai is sent one and tells one, however many pictures it makes. */
function seedOf({ seed, count }) {
  const ofAll = count > 1 ? h("p.help", {}, "Of the whole set: fal.ai tells none of a single picture.") : null;
  return [copyable(String(seed), "Copy the seed"), ofAll];
}

function sizeOf({ size, pictures: [first] }) {
  return `${sizeWords(size)}, ${first.width} × ${first.height}`;
}

/**
 * The buttons of a picture of a set.
 * @param {Object} set
 * @param {number} index
 * @param {{onMade: (more: Object) => void, onGone: (id: string) => void}} to what hears of a set that was asked for, or deleted
 */
export function pictureActions(set, index, { onMade, onGone }) {
  const change = `/models/${encodeURIComponent(set.model_id)}?like=${encodeURIComponent(set.id)}`;
  const more = h("button.primary", { type: "button" }, icon("more"), priced("More like this", set));
  more.addEventListener("click", () => busy(more, "Asking", async () => {
    const made = await makeMore(set);
    if (made) onMade(made);
  }));
  const save = h("button", { type: "button" }, icon("download"), "Download");
  save.addEventListener("click", () => busy(save, "Asking for the file", () => savePicture(set, index)));
  const remove = h("button.quiet.danger-text", { type: "button" }, "Delete…");
  remove.addEventListener("click", () => deleteSet(set, onGone));
  return h("div.actions", {}, more, save, h("a.button.quiet", { href: change }, "Change and make"), remove);
}
