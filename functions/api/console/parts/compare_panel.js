/** The form behind "Compare". */

import { newKey, postOnce, request } from "../lib/api.js";
import { fill, h, setText } from "../lib/dom.js";
import { answered, choice, keyFor, refused } from "../lib/drafts.js";
import { count } from "../lib/format.js";
import { go } from "../lib/router.js";
import { busy, notice, sentenceOf } from "../lib/ui.js";
import { compareChoice } from "./compare_choice.js";
import { promptField } from "./make_pictures.js";
import { pictureFields } from "./picture_fields.js";
import { budgetPart, priceWords, quoteBox } from "./quote.js";

// with these the press is not over: a part of it may have been begun, and the same key goes on from there
const NO_ROOM = new Set(["budget_exceeded", "too_many_image_jobs"]);
const GOES_ON = "What of it was begun is in the gallery; pressing again later makes the rest, and nothing twice.";

/**
 * The panel. What was typed stays in this browser; `again` is a comparison with whose wishes it begins.
 * @param {{model: Object, versions: Object, pictures: Object, again: Object|null, signal: AbortSignal}} options
 */
export function comparePanel({ model, versions, pictures, again, signal }) {
  const name = `compare:${model.id}`;
  const before = again?.items ?? [];
  const given = before[0] ?? choice(name) ?? {};
  const what = compareChoice({ model, versions, pictures, before, onChange: changed });
  const prompt = promptField(triggerWords(versions.items, model), given.prompt ?? "", changed);
  const fields = pictureFields({ pictures, given: { count: 1, ...given }, onChange: changed, withScale: false });
  const quote = quoteBox({ signal, load: (body) => request("POST", "/v1/comparisons/quote", { body, signal }), draw: drawQuote });
  const message = h("div.panel-message", { "aria-live": "polite" });
  const why = h("p.help.blocked", { id: "why-blocked", "aria-live": "polite" });
  const button = h("button.primary.wide", { type: "submit", "aria-describedby": why.id }, "Compare");

  function changed() {
    const { model_ids, scales } = what.picked();
    const { count: wanted, size } = fields.values();
    const hindrance = what.hindrance();
    choice(name, { prompt: prompt.value(), ...fields.values() });
    setText(why, hindrance);
    button.toggleAttribute("disabled", Boolean(hindrance));
    quote.element.hidden = Boolean(hindrance);
    if (!hindrance) quote.ask({ model_ids, scales: scales.length, count: wanted, size });
    if (!button.hasAttribute("aria-disabled")) fill(message);
  }

  async function press() {
    if (what.hindrance() || !prompt.check() || !fields.check()) return;
    const body = { prompt: prompt.value(), ...what.picked(), ...fields.values() };
    fill(message);
    try {
      const made = await postOnce("/v1/comparisons", body, keyFor(name, body, newKey), { signal, onRetry: unanswered });
      const path = `/comparisons/${encodeURIComponent(made.id)}`;
      answered(name);
      if (!signal.aborted) go(path);
    } catch (error) {
      const full = NO_ROOM.has(error.code);
      if (!full) refused(name, error);
      if (!signal.aborted) fill(message, notice("bad", null, full ? `${sentenceOf(error)} ${GOES_ON}` : sentenceOf(error)));
    }
  }

  function unanswered() {
    fill(message, notice("warn", "No answer yet", "The connection failed. The same request is being sent again; the pictures can be bought only once."));
  }

  const form = h("form.compare", { "aria-label": "What to compare" }, what.element,
    h("section.card.make", {}, h("h2", {}, "The pictures"), prompt.element, fields.element, quote.element, message, button, why));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void busy(button, "Asking", press);
  });
  changed();
  return form;
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
