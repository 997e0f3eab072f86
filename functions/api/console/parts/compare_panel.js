/** The form behind "Compare". */

import { newKey, postOnce, request } from "../lib/api.js";
import { fill, h, setText } from "../lib/dom.js";
import { answered, choice, keyFor } from "../lib/drafts.js";
import { ago, count } from "../lib/format.js";
import { go } from "../lib/router.js";
import { notice, sentenceOf } from "../lib/ui.js";
import { promptField } from "./make_pictures.js";
import { pictureFields } from "./picture_fields.js";
import { budgetPart, priceWords, quoteBox } from "./quote.js";

const MOST_SETS = 12;
const SCALES = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];

// with these the press is not over: a part of it may have been begun, and the same key goes on from there
const NO_ROOM = new Set(["budget_exceeded", "too_many_image_jobs"]);
const GOES_ON = "What of it was begun is in the gallery; pressing again later makes the rest, and nothing twice.";

/**
 * The panel. It begins with the model without and with its LoRA, or with what `again` compared.
 * @param {{model: Object, versions: Object, pictures: Object, again: Object|null, signal: AbortSignal}} options
 */
export function comparePanel({ model, versions, pictures, again, signal }) {
  const name = `compare:${model.id}`;
  const before = again?.items ?? [];
  const given = before[0] ?? choice(name) ?? {};
  const chosen = {
    models: new Set(before.length ? before.map((set) => set.model_id) : [model.id]),
    scales: new Set(before.length ? before.map((set) => set.scale) : [0, 1]),
  };
  const quote = quoteBox({ signal, load: (body) => request("POST", "/v1/comparisons/quote", { body, signal }), draw: drawQuote });
  const message = h("div.panel-message", { "aria-live": "polite" });
  const why = h("p.help.blocked", { id: "why-blocked", "aria-live": "polite" });
  const button = h("button.primary.wide", { type: "submit", "aria-describedby": why.id }, "Compare");
  const preview = h("div.preview", { "aria-hidden": "true" });
  const words = triggerWords(versions.items, model);
  const prompt = promptField(words, given.prompt ?? "", changed);
  const fields = pictureFields({ pictures, given: { count: 1, ...given }, onChange: changed, withScale: false });
  const form = h("form.compare", { "aria-label": "What to compare" },
    h("section.card", {}, h("h2", {}, "What to compare"), versionChoice(), scaleChoice(), preview),
    h("section.card.make", {}, h("h2", {}, "The pictures"), prompt.element, fields.element, quote.element, message, button, why));
  let sending = false;

  function versionChoice() {
    return several("versions", "Versions", versions.items.map((version) => ({
      value: version.id, words: `v${version.version}`, on: chosen.models.has(version.id),
      about: [version.id === versions.current_model_id ? "current" : null, ago(version.trained_at)].filter(Boolean).join(", "),
    })), chosen.models);
  }

  function scaleChoice() {
    const offered = [...new Set([...SCALES, ...chosen.scales])].filter((scale) => scale <= pictures.max_scale).sort((a, b) => a - b);
    return several("scales", "Scales", offered.map((scale) => ({
      value: scale, words: String(scale), on: chosen.scales.has(scale), about: scale === 0 ? "without the LoRA" : scale === 1 ? "as trained" : "",
    })), chosen.scales, "How much of the LoRA. 0 is the same for every version.");
  }

  function several(id, title, options, picked, help) {
    const chips = options.map(({ value, words: shown, about, on }) => {
      const input = h("input", { type: "checkbox", name: id, checked: on });
      input.addEventListener("change", () => {
        if (input.checked) picked.add(value);
        else picked.delete(value);
        changed();
      });
      return h("label.chip.pick", {}, input, h("span", {}, h("strong", {}, shown), about ? h("span.row-sub", {}, ` ${about}`) : null));
    });
    return h("fieldset.field", {}, h("legend.label", {}, title), h("div.chips", {}, chips), help ? h("p.help", {}, help) : null);
  }

  /** In the order in which they stand side by side. */
  function picked() {
    return {
      model_ids: versions.items.filter(({ id }) => chosen.models.has(id)).map(({ id }) => id).reverse(),
      scales: [...chosen.scales].sort((a, b) => a - b),
    };
  }

  function hindrance() {
    const sets = chosen.models.size * chosen.scales.size;
    if (!chosen.models.size) return "Choose a version.";
    if (!chosen.scales.size) return "Choose a scale.";
    if (sets < 2) return "One set has nothing to stand beside: choose another version or scale.";
    return sets > MOST_SETS ? `These are ${sets} sets, and ${MOST_SETS} are compared at once: choose fewer versions or scales.` : "";
  }

  function changed() {
    const { model_ids, scales } = picked();
    const { count: wanted, size } = fields.values();
    choice(name, { prompt: prompt.value(), ...fields.values() });
    setText(why, hindrance());
    button.toggleAttribute("disabled", Boolean(hindrance()));
    drawPreview(preview, scales, versions.items.filter(({ id }) => chosen.models.has(id)).reverse());
    if (!hindrance()) quote.ask({ model_ids, scales: scales.length, count: wanted, size });
    if (!sending) fill(message);
  }

  async function press() {
    if (sending || hindrance() || !prompt.check() || !fields.check()) return;
    const body = { prompt: prompt.value(), ...picked(), ...fields.values() };
    sending = true;
    button.setAttribute("aria-disabled", "true");
    setText(button, "Asking");
    fill(message);
    try {
      const made = await postOnce("/v1/comparisons", body, keyFor(name, body, newKey), { signal, onRetry: unanswered });
      answered(name);
      if (!signal.aborted) go(`/comparisons/${encodeURIComponent(made.id)}`);
    } catch (error) {
      const full = NO_ROOM.has(error.code);
      if (error.status >= 400 && error.status < 500 && !full) answered(name);
      if (!signal.aborted) fill(message, notice("bad", null, full ? `${sentenceOf(error)} ${GOES_ON}` : sentenceOf(error)));
    } finally {
      sending = false;
      button.removeAttribute("aria-disabled");
      setText(button, "Compare");
    }
  }

  function unanswered() {
    fill(message, notice("warn", "No answer yet", "The connection failed. The same request is being sent again; the pictures can be bought only once."));
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void press();
  });
  changed();
  return form;
}

/** How they will stand: it says nothing that the choices do not say. */
function drawPreview(preview, scales, versions) {
  preview.style.setProperty("--columns", scales.length);
  fill(preview, h("span"), scales.map((scale) => h("span.preview-head", {}, String(scale))),
    versions.map(({ version }) => [h("span.preview-head", {}, `v${version}`), scales.map(() => h("span.preview-cell"))]));
}

/** The trigger word where all versions have the same; else nothing can be said of what is sent. */
function triggerWords(items, model) {
  return items.every((version) => version.trigger_word === model.trigger_word) ? model.trigger_word : "";
}

function drawQuote(quote, { count: each }) {
  const sets = `for ${count(quote.pictures, "picture")}${each > 1 ? ` in ${count(quote.sets, "set")}` : ""}`;
  return [
    h("p.price", {}, priceWords(quote.price_usd)), h("p.quote-unit", {}, sets),
    quote.price_usd === null ? h("p.quote-note", {}, quote.note) : null, budgetPart(quote.budget, quote.price_usd, "they are"),
  ];
}
