/** The form behind "Train LoRA". */

import { newKey, postOnce } from "../lib/api.js";
import { h, setText } from "../lib/dom.js";
import { answered, keyFor, refused } from "../lib/drafts.js";
import { count } from "../lib/format.js";
import { go } from "../lib/router.js";
import { notice, sentenceOf } from "../lib/ui.js";
import { againPart } from "./again.js";
import { quoteBox } from "./quote.js";
import { trainButton } from "./train_button.js";
import { trainNames } from "./train_names.js";
import { refusal } from "./train_refusal.js";
import { trainerChoice } from "./trainer_choice.js";

const UNANSWERED = "The connection failed. The same request is being sent again; it can start only one training.";

/**
 * The panel. `draft.settings` keeps what was chosen; `onSettings` hears the trigger word and the trainer.
 * @param {{shoot: Object, draft: Object, signal: AbortSignal, save: () => void, onSettings: Function}} options
 */
export function trainPanel({ shoot, draft, signal, save, onSettings }) {
  const settings = draft.settings;
  const names = trainNames({ shoot, settings, onChange: changed });
  const samples = samplesField({ wanted: settings.samples !== false, onChange: changed });
  const quote = quoteBox({ signal, onQuote: samples.quoted });
  const again = againPart({ draft, onChange: againChanged });
  const trainer = trainerChoice({ settings, signal, onTrainer: again.trainerChanged, onChange: changed });
  const button = trainButton();
  const edits = h("p.help");
  const title = h("h2", { id: "train-title" });

  /** Trained again, a model keeps its name. */
  function againChanged() {
    const words = draft.again ? "Train again" : "Train LoRA";
    setText(title, words);
    button.setTitle(words);
    names.fixName(draft.again?.name ?? null);
    changed();
  }

  function changed() {
    const parameters = trainer.parameters();
    if (!parameters) return;
    const endpoint = trainer.endpoint();
    Object.assign(settings, { ...names.values(), trainer: endpoint, parameters: parameters.values(), samples: samples.wanted() });
    save();
    names.tellWhereKept();
    if (!parameters.misfit()) quote.ask({ trainer: endpoint, parameters: settings.parameters, ...samples.wish() });
    if (names.triggerFits()) onSettings({ trigger: settings.trigger, trainer: endpoint });
    button.hush();
  }

  function captionsChanged() {
    const words = editsWords(draft);
    setText(edits, words);
    edits.hidden = !words;
  }

  async function start() {
    captionsChanged();
    againChanged();
    await trainer.load();
  }

  function press({ force = false } = {}) {
    const parameters = trainer.parameters();
    if (!parameters || !button.isReady()) return;
    const unfit = parameters.misfit();
    if (unfit) parameters.show(unfit);
    else void button.during(() => send(force));
  }

  async function send(force) {
    try {
      const path = `/trainings/${encodeURIComponent((await sent(force)).id)}`;
      answered(shoot.id);
      draft.again = null;
      save();
      if (!signal.aborted) go(path);
    } catch (error) {
      refused(shoot.id, error);
      if (!signal.aborted) tell(error);
    }
  }

  function tell(error) {
    const field = error.code === "invalid_parameter" ? error.details.parameter : null;
    if (field && trainer.parameters().refuse(field, sentenceOf(error))) return;
    button.say(refusal(error, () => press({ force: true })));
  }

  function sent(force) {
    const { trigger, name } = names.values();
    const body = {
      trigger_word: trigger, trainer: trainer.endpoint(), parameters: trainer.parameters().values(),
      ...(settings.preset ? { preset: settings.preset } : {}), ...(force ? { force: true } : {}), ...samples.wish(),
      ...again.wish({ shoot_id: shoot.id, model_name: name }),
    };
    const onRetry = () => button.say(notice("warn", "No answer yet", UNANSWERED));
    return postOnce(again.path(), body, keyFor(shoot.id, { ...body, path: again.path() }, newKey), { onRetry });
  }

  const element = h("form.card.train", { "aria-labelledby": title.id }, title, again.element, trainer.presets, names.trigger, names.name,
    trainer.choice, trainer.fields, samples.element, quote.element, edits, button.elements);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    press();
  });
  return { element, start, setReport: ({ blocked }) => button.setBlocked(blocked), captionsChanged };
}

/** Whether there are to be sample pictures; shown where the quote has them, or they are not wanted. */
function samplesField({ wanted, onChange }) {
  const input = h("input", { type: "checkbox", id: "samples", checked: wanted });
  const element = h("div.field.flag", { hidden: true }, input, h("label", { for: input.id }, "Make sample pictures when it is done"));
  input.addEventListener("input", onChange);
  return {
    element,
    wanted: () => input.checked,
    /** Unless it is said, it is as it is set up. */
    wish: () => (input.checked ? {} : { samples: 0 }),
    quoted: (quote) => (element.hidden = input.checked && !quote.samples),
  };
}

/** What differs from the shoot, in words; empty where nothing does. */
function editsWords({ captions, without }) {
  const changed = Object.keys(captions).length;
  const parts = [changed ? `with ${count(changed, "changed caption")}` : "", without.length ? `without ${count(without.length, "picture")}` : ""];
  const words = parts.filter(Boolean).join(", ");
  return words ? `${words[0].toUpperCase()}${words.slice(1)}. The shoot keeps everything as it is.` : "";
}
