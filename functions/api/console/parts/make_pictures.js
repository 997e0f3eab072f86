/** The form behind "Make pictures": what to show, how many, how much of the LoRA, and what that costs. */

import { get, newKey, postOnce } from "../lib/api.js";
import { fill, h, setText } from "../lib/dom.js";
import { answered, choice, keyFor, pendingKey, refused } from "../lib/drafts.js";
import { count, sentCaption } from "../lib/format.js";
import { notice, sentenceOf } from "../lib/ui.js";
import { pictureFields } from "./picture_fields.js";
import { budgetPart, priceWords, quoteBox } from "./quote.js";

const SAME_PICTURES = "The same words, seed and scale give the same pictures: nothing was bought. Change something, or leave the seed empty.";
const SAME_PRESS = "You had asked for them already, and left before the answer came: nothing was bought again. Press once more for others.";

/**
 * The panel. What was typed stays in this browser; `like` is a set whose wishes it begins with.
 * @param {{model: Object, pictures: Object, like: Object|null, signal: AbortSignal, onMade: (set: Object) => boolean}} options
 *   `onMade` shows the set and gives whether it was there before
 */
export function makePanel({ model, pictures, like, signal, onMade }) {
  const path = `/v1/models/${encodeURIComponent(model.id)}/images`;
  const draft = `pictures:${model.id}`;
  const given = like ?? choice(draft) ?? {};
  const quote = quoteBox({ signal, load: (query) => get(`${path}/quote`, { query, signal }), draw: drawQuote });
  const message = h("div.panel-message", { "aria-live": "polite" });
  const button = h("button.primary.wide", { type: "submit" });
  const prompt = promptField(model.trigger_word, given.prompt ?? "", changed);
  const fields = pictureFields({ pictures, given, onChange: changed });
  const form = h("form.card.make", { "aria-labelledby": "make-title" },
    h("h2", { id: "make-title" }, "Make pictures"), prompt.element, fields.element, quote.element, message, button);
  let sending = false;

  function changed() {
    const wanted = { prompt: prompt.value(), ...fields.values() };
    choice(draft, wanted);
    quote.ask({ count: wanted.count, size: wanted.size });
    if (sending) return;
    setText(button, words());
    fill(message);
  }

  function words() {
    const wanted = fields.values().count;
    return wanted === 1 ? "Make the picture" : `Make ${count(wanted, "picture")}`;
  }

  async function press() {
    if (sending || !prompt.check() || !fields.check()) return;
    const body = { prompt: prompt.value(), ...fields.values() };
    sending = true;
    button.setAttribute("aria-disabled", "true");
    setText(button, "Asking");
    fill(message);
    const before = pendingKey(draft, body);
    try {
      told(body, await sent(body), before !== null);
    } catch (error) {
      refused(draft, error);
      if (!signal.aborted) fill(message, notice("bad", null, sentenceOf(error)));
    } finally {
      sending = false;
      button.removeAttribute("aria-disabled");
      setText(button, words());
    }
  }

  /** With a seed of one's own the same form is the same pictures: they are not bought again. */
  function told(body, set, pressedBefore) {
    const lasts = body.seed !== undefined && set.error === null;
    const wasThere = !signal.aborted && onMade(set) && pressedBefore;
    if (!lasts) answered(draft);
    fill(message, wasThere ? notice("note", "You have these", lasts ? SAME_PICTURES : SAME_PRESS) : null);
  }

  function sent(body) {
    const onRetry = () => fill(message, notice("warn", "No answer yet",
      "The connection failed. The same request is being sent again; the pictures can be bought only once."));
    return postOnce(path, body, keyFor(draft, body, newKey), { onRetry, signal });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void press();
  });
  // the second click of a double click may come after the answer to the first
  button.addEventListener("click", (event) => event.detail > 1 && event.preventDefault());
  changed();
  return form;
}

function drawQuote(quote, { count: wanted }) {
  const each = wanted > 1 && typeof quote.price_usd === "number" ? h("p.quote-unit", {}, `for ${count(wanted, "picture")}`) : null;
  return [h("p.price", {}, priceWords(quote.price_usd)), each, quote.price_usd === null ? h("p.quote-note", {}, quote.note) : null, budgetPart(quote.budget, quote.price_usd, "they are")];
}

/**
 * The prompt with what is sent of it.
 * @param {string} trigger the model's trigger word; of several, empty
 * @param {string} value
 * @param {() => void} onChange
 */
export function promptField(trigger, value, onChange) {
  const help = h("p.help", { id: "prompt-help" }, "[trigger] stands for the trigger word. Where it is missing, it is put in front.");
  const hint = h("p.help.sent-as", { id: "prompt-hint" });
  const input = h("textarea", {
    id: "prompt", name: "prompt", rows: 3, maxlength: 2000, required: true, spellcheck: "true", value,
    placeholder: "[trigger] in a snowy forest, full body", "aria-describedby": `${help.id} ${hint.id}`,
  });
  const draw = () => {
    const { text } = sentCaption(input.value, trigger);
    setText(hint, trigger && input.value.trim() ? `Sent as “${text}”.` : "");
  };
  input.addEventListener("input", () => {
    input.setCustomValidity("");
    draw();
    onChange();
  });
  draw();
  return {
    element: h("div.field", {}, h("label", { for: input.id }, "What to show"), input, hint, help),
    value: () => input.value.trim(),
    /** Whether there is a prompt; says so at the field where not. */
    check: () => {
      input.setCustomValidity(input.value.trim() ? "" : "Say what the picture should show.");
      return input.reportValidity();
    },
  };
}
