/** What stands for the person in captions and prompts, and what the model will be called. */

import { h, setText } from "../lib/dom.js";
import { slug } from "../lib/format.js";

const TRIGGER = "\\w(?:[\\w \\-]{0,48}\\w)?";

/**
 * The two fields, `trigger` and `name`.
 * @param {{shoot: Object, settings: Object, onChange: () => void}} options `settings` has what was typed before
 */
export function trainNames({ shoot, settings, onChange }) {
  const trigger = triggerInput(settings.trigger ?? "TOK");
  const name = h("input", {
    type: "text", id: "model-name", name: "model-name", required: true, maxlength: 60, autocomplete: "off",
    value: settings.name ?? shoot.costume_name.slice(0, 60), "aria-describedby": "name-help",
  });
  const kept = h("p.help", { id: "name-help" });
  for (const input of [trigger, name]) input.addEventListener("input", onChange);
  return {
    trigger: labeled(trigger, "Trigger word", h("p.help", { id: "trigger-help" }, "A rare word that will stand for this person in this costume.")),
    name: labeled(name, "Model name", kept),
    values: () => ({ trigger: trigger.value, name: name.value }),
    triggerFits: () => trigger.checkValidity(),
    tellWhereKept: () => setText(kept, `Kept as ${shoot.person_id} / ${slug(name.value || shoot.costume_name)}.`),
    /** The name that may not be changed, or null. */
    fixName: (fixed) => {
      if (fixed !== null) name.value = fixed;
      name.toggleAttribute("readonly", fixed !== null);
    },
  };
}

function triggerInput(value) {
  return h("input", {
    type: "text", id: "trigger", name: "trigger", required: true, maxlength: 50, autocomplete: "off", spellcheck: "false",
    autocapitalize: "off", pattern: TRIGGER, value, "aria-describedby": "trigger-help",
    title: "Letters, digits, underscores, and in between spaces or hyphens",
  });
}

function labeled(input, title, ...more) {
  return h("div.field", {}, h("label", { for: input.id }, title), input, more);
}
