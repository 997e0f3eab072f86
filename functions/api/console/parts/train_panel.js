/** The form behind "Train LoRA". */

import { newKey, postOnce } from "../lib/api.js";
import { fill, h, setText } from "../lib/dom.js";
import { answered, keyFor } from "../lib/drafts.js";
import { count, slug } from "../lib/format.js";
import { go } from "../lib/router.js";
import { presetOf, trainers, valuesFor, withPreset } from "../lib/trainers.js";
import { notice, problemNotice, sentenceOf } from "../lib/ui.js";
import { againPart } from "./again.js";
import { parameterFields } from "./parameters.js";
import { presetField } from "./presets.js";
import { quoteBox } from "./quote.js";

const TRIGGER = "\\w(?:[\\w \\-]{0,48}\\w)?";

/**
 * The panel. `draft.settings` keeps what was chosen; `onSettings` hears the trigger word and the trainer.
 * @param {{shoot: Object, draft: Object, signal: AbortSignal, save: () => void, onSettings: Function}} options
 */
export function trainPanel({ shoot, draft, signal, save, onSettings }) {
  const settings = draft.settings;
  const samples = h("input", { type: "checkbox", id: "samples", checked: settings.samples !== false });
  const sampled = h("div.field.flag", { hidden: true }, samples, h("label", { for: samples.id }, "Make sample pictures when it is done"));
  const quote = quoteBox({ signal, onQuote: (told) => (sampled.hidden = samples.checked && !told.samples) });
  const fields = h("div", {}, h("div.skeleton.fields-skeleton"));
  const message = h("div.panel-message", { "aria-live": "polite" });
  const button = h("button.primary.wide", { type: "submit" }, "Train LoRA");
  const why = h("p.help.blocked", { id: "why-blocked", hidden: true });
  const edits = h("p.help");
  const trigger = h("input", {
    type: "text", id: "trigger", name: "trigger", required: true, maxlength: 50, autocomplete: "off", spellcheck: "false",
    autocapitalize: "off", pattern: TRIGGER, value: settings.trigger ?? "TOK", "aria-describedby": "trigger-help",
    title: "Letters, digits, underscores, and in between spaces or hyphens",
  });
  const name = h("input", {
    type: "text", id: "model-name", name: "model-name", required: true, maxlength: 60, autocomplete: "off",
    value: settings.name ?? shoot.costume_name.slice(0, 60), "aria-describedby": "name-help",
  });
  const kept = h("p.help", { id: "name-help" });
  const again = againPart({ draft, onChange: againChanged });
  const title = h("h2", { id: "train-title" });
  const presets = h("div.field");
  const choice = h("div.field");
  const form = h("form.card.train", { "aria-labelledby": "train-title" },
    title, again.element, presets,
    labeled(trigger, "Trigger word", h("p.help", { id: "trigger-help" }, "A rare word that will stand for this person in this costume.")),
    labeled(name, "Model name", kept), choice, fields, sampled, quote.element, edits, message, button, why);
  let list = [];
  let parameters = null;
  let blocked = null;
  let sending = false;

  function trainer() {
    return list.find(({ endpoint }) => endpoint === settings.trainer) ?? list[0];
  }

  /** The chosen trainer: its presets, and its parameters with these values. */
  function drawTrainer(values) {
    const spec = trainer();
    if (!presetOf(spec, settings.preset)) settings.preset = null;
    fill(presets, presetField(spec, settings.preset, choosePreset));
    drawParameters(values ?? valuesFor(spec, settings.preset));
  }

  /** Trained again, a model keeps its name. */
  function againChanged() {
    setText(title, draft.again ? "Train again" : "Train LoRA");
    setText(button, title.textContent);
    if (draft.again) name.value = draft.again.name;
    name.toggleAttribute("readonly", Boolean(draft.again));
    changed();
  }

  function drawParameters(values) {
    parameters = parameterFields({ trainer: trainer(), values, onChange: changed });
    fill(fields, parameters.element);
    changed();
  }

  function choosePreset(preset) {
    settings.preset = preset;
    drawParameters(withPreset(trainer(), parameters.values(), preset));
  }

  /** Another trainer begins with its own defaults: a number that suits one may spoil another. */
  function chooseTrainer(endpoint) {
    settings.trainer = endpoint;
    again.trainerChanged(endpoint);
    drawTrainer();
  }

  /** What was typed before, for this trainer. */
  function typedValues() {
    const usual = valuesFor(trainer(), settings.preset);
    const typed = settings.trainer === trainer().endpoint ? Object.entries(settings.parameters ?? {}) : [];
    return { ...usual, ...Object.fromEntries(typed.filter(([key, value]) => key in usual && value !== null)) };
  }

  function changed() {
    if (!parameters) return;
    const spec = trainer();
    Object.assign(settings, { trigger: trigger.value, name: name.value, trainer: spec.endpoint, parameters: parameters.values(), samples: samples.checked });
    save();
    setText(kept, `Kept as ${shoot.person_id} / ${slug(name.value || shoot.costume_name)}.`);
    if (!parameters.misfit()) quote.ask({ trainer: spec.endpoint, parameters: settings.parameters, ...unsampled() });
    if (trigger.checkValidity()) onSettings({ trigger: trigger.value, trainer: spec.endpoint });
    if (!sending) fill(message);
  }

  /** Unless it is said, it is as it is set up. */
  function unsampled() {
    return samples.checked ? {} : { samples: 0 };
  }

  function captionsChanged() {
    const changedOnes = Object.keys(draft.captions).length;
    const parts = [changedOnes ? `with ${count(changedOnes, "changed caption")}` : "", draft.without.length ? `without ${count(draft.without.length, "picture")}` : ""];
    const words = parts.filter(Boolean).join(", ");
    setText(edits, words ? `${words[0].toUpperCase()}${words.slice(1)}. The shoot keeps everything as it is.` : "");
    edits.hidden = !words;
  }

  function setReport({ blocked: reason }) {
    blocked = reason;
    why.hidden = !reason;
    setText(why, reason ? `Not yet: ${reason}` : "");
    if (!sending) button.toggleAttribute("disabled", Boolean(reason));
  }

  async function start() {
    captionsChanged();
    againChanged();
    try {
      list = await trainers(signal);
    } catch (error) {
      if (!signal.aborted) fill(fields, problemNotice(error, () => void start()));
      return;
    }
    if (signal.aborted) return;
    fill(choice, trainerField(list, trainer(), chooseTrainer));
    drawTrainer(typedValues());
  }

  async function press({ force = false } = {}) {
    if (sending || blocked || !parameters) return;
    const unfit = parameters.misfit();
    if (unfit) {
      parameters.show(unfit);
      return;
    }
    sending = true;
    button.setAttribute("aria-disabled", "true");
    setText(button, "Starting");
    fill(message);
    try {
      const training = await sent(force);
      answered(shoot.id);
      draft.again = null;
      save();
      if (!signal.aborted) go(`/trainings/${training.id}`);
    } catch (error) {
      if (error.status >= 400 && error.status < 500) answered(shoot.id);
      if (!signal.aborted) refused(error);
    } finally {
      sending = false;
      button.removeAttribute("aria-disabled");
      setText(button, title.textContent);
    }
  }

  function refused(error) {
    const field = error.code === "invalid_parameter" ? error.details.parameter : null;
    if (field && parameters.refuse(field, sentenceOf(error))) return;
    fill(message, refusal(error, () => void press({ force: true })));
  }

  function sent(force) {
    const body = {
      trigger_word: trigger.value, trainer: trainer().endpoint, parameters: parameters.values(),
      ...(settings.preset ? { preset: settings.preset } : {}), ...(force ? { force: true } : {}), ...unsampled(),
      ...again.wish({ shoot_id: shoot.id, model_name: name.value }),
    };
    const onRetry = () => fill(message, notice("warn", "No answer yet",
      "The connection failed. The same request is being sent again; it can start only one training."));
    return postOnce(again.path(), body, keyFor(shoot.id, { ...body, path: again.path() }, newKey), { onRetry });
  }

  for (const input of [trigger, name, samples]) input.addEventListener("input", changed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void press();
  });
  return { element: form, start, setReport, captionsChanged };
}

function labeled(input, title, ...more) {
  return h("div.field", {}, h("label", { for: input.id }, title), input, more);
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

function refusal(error, again) {
  const same = THE_SAME[error.code];
  if (!same) return notice("bad", null, sentenceOf(error));
  return notice("warn", same.title, same.sentence,
    h("a.button", { href: same.page(error.details) }, same.see),
    h("button.quiet", { type: "button", on: { click: again } }, "Train anyway, and pay again"));
}
