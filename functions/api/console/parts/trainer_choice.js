/** Which trainer, which of its presets, and its parameters. */

import { fill, h, setText } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { presetOf, trainers, valuesFor, withPreset } from "../lib/trainers.js";
import { problemNotice } from "../lib/ui.js";
import { parameterFields } from "./parameters.js";
import { presetField } from "./presets.js";

/**
 * The choice, in three elements. `load` gets the trainers and draws what `settings` says; until then there are no
 * `parameters()`, the fields of the chosen trainer.
 * @param {Object} options
 * @param {Object} options.settings what was chosen before; trainer and preset are kept here
 * @param {AbortSignal} options.signal
 * @param {(endpoint: string) => void} options.onTrainer hears of another trainer before its fields are drawn
 * @param {() => void} options.onChange
 */
export function trainerChoice({ settings, signal, onTrainer, onChange }) {
  const presets = h("div.field");
  const choice = h("div.field");
  const fields = h("div", {}, h("div.skeleton.fields-skeleton"));
  let list = [];
  let parameters = null;

  function trainer() {
    return list.find(({ endpoint }) => endpoint === settings.trainer) ?? list[0];
  }

  async function load() {
    try {
      list = await trainers(signal);
    } catch (error) {
      if (!signal.aborted) fill(fields, problemNotice(error, () => void load()));
      return;
    }
    if (signal.aborted) return;
    fill(choice, trainerField(list, trainer(), chooseTrainer));
    draw(typedValues(trainer(), settings));
  }

  /** The chosen trainer: its presets, and its parameters with these values. */
  function draw(values) {
    const spec = trainer();
    if (!presetOf(spec, settings.preset)) settings.preset = null;
    fill(presets, presetField(spec, settings.preset, choosePreset));
    drawParameters(values ?? valuesFor(spec, settings.preset));
  }

  function drawParameters(values) {
    parameters = parameterFields({ trainer: trainer(), values, onChange });
    fill(fields, parameters.element);
    onChange();
  }

  function choosePreset(preset) {
    settings.preset = preset;
    drawParameters(withPreset(trainer(), parameters.values(), preset));
  }

  /** Another trainer begins with its own defaults: a number that suits one may spoil another. */
  function chooseTrainer(endpoint) {
    settings.trainer = endpoint;
    onTrainer(endpoint);
    draw();
  }

  return { presets, choice, fields, load, endpoint: () => trainer().endpoint, parameters: () => parameters };
}

/** What was typed before, for this trainer. */
function typedValues(trainer, settings) {
  const usual = valuesFor(trainer, settings.preset);
  const typed = settings.trainer === trainer.endpoint ? Object.entries(settings.parameters ?? {}) : [];
  return { ...usual, ...Object.fromEntries(typed.filter(([key, value]) => key in usual && value !== null)) };
}

function trainerField(list, chosen, choose) {
  const about = h("p.help", { id: "trainer-help", "aria-live": "polite" });
  const tell = ({ summary, minimum_images: least }) => setText(about, `${summary} Needs at least ${count(least, "picture")}.`);
  const select = h("select", { id: "trainer", name: "trainer", "aria-describedby": about.id },
    list.map(({ title }) => h("option", {}, title)));
  for (const [index, option] of [...select.options].entries()) option.value = list[index].endpoint;
  select.value = chosen.endpoint;
  select.addEventListener("change", () => {
    tell(list[select.selectedIndex]);
    choose(select.value);
  });
  tell(chosen);
  return [h("label", { for: "trainer" }, "Trainer"), select, about];
}
