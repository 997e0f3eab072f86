/** What the model is to learn: the presets of a trainer, in words, first of all. */

import { h, setText } from "../lib/dom.js";
import { presetOf } from "../lib/trainers.js";

const USUAL = { name: "", title: "As usual", help: "The trainer's own settings.", parameters: null };

/**
 * A choice between the trainer's presets; nothing where it has none.
 * @param {Object} trainer
 * @param {string|null} chosen the preset's name, null for the trainer's own settings
 * @param {(preset: string|null) => void} choose
 */
export function presetField(trainer, chosen, choose) {
  if (!trainer.presets.length) return null;
  const about = h("p.help", { id: "preset-help", "aria-live": "polite" });
  const tell = (preset) => setText(about, `${preset.help}${isEmpty(preset) ? " This trainer needs no settings for it." : ""}`);
  const now = presetOf(trainer, chosen) ?? USUAL;
  const chips = [USUAL, ...trainer.presets].map((preset) => chip(preset, preset === now, () => {
    tell(preset);
    choose(preset.name || null);
  }));
  tell(now);
  return h("fieldset", { "aria-describedby": about.id }, h("legend.label", {}, "What to learn"), h("div.chips", {}, chips), about);
}

function isEmpty({ parameters }) {
  return parameters !== null && !Object.keys(parameters).length;
}

function chip({ name, title }, chosen, choose) {
  const input = h("input", { type: "radio", name: "preset", value: name, checked: chosen });
  input.addEventListener("change", choose);
  return h("label.chip", {}, input, h("span", {}, title));
}
