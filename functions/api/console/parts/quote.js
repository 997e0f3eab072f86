/** What a run will cost and how long it will take, before it is bought. */

import { ifThere, request } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { count, day, money, number, roughly } from "../lib/format.js";
import { sentenceOf } from "../lib/ui.js";

const TYPING_MS = 250;

/**
 * The quote for a trainer with its parameters.
 * @param {{signal: AbortSignal, onQuote?: (quote: Object) => void}} options
 * @returns {{element: HTMLElement, ask: (wanted: {trainer: string, parameters: Object, samples?: number}) => void}}
 */
export function quoteBox({ signal, onQuote }) {
  const element = h("div.quote", { role: "group", "aria-label": "Price" });
  let timer = 0;
  let asked = null;

  function ask(wanted) {
    const key = JSON.stringify(wanted);
    if (key === asked) return;
    const first = asked === null;
    asked = key;
    clearTimeout(timer);
    if (first) fill(element, h("div.skeleton.line"), h("div.skeleton.line"));
    else element.classList.add("stale");
    timer = setTimeout(() => void load(wanted, key), first ? 0 : TYPING_MS);
  }

  async function load(wanted, key) {
    let shown;
    try {
      const quote = await ifThere(request("POST", "/v1/quotes", { body: wanted, signal }));
      if (quote && !signal.aborted && key === asked) onQuote?.(quote);
      shown = quote ? drawQuote(quote, wanted) : [h("p.quote-time", {}, "No price is known here: fal.ai bills each run by its steps.")];
    } catch (error) {
      if (signal.aborted) return;
      shown = [h("p.quote-time", {}, `No price now. ${sentenceOf(error)}`)];
    }
    if (signal.aborted || key !== asked) return;
    element.classList.remove("stale");
    fill(element, shown);
  }

  return { element, ask };
}

function drawQuote(quote, { parameters }) {
  const left = quote.budget ? `${money(quote.budget.left_usd)} of your ${money(quote.budget.limit_usd)} are left.` : null;
  const over = quote.budget && (quote.total_usd ?? 0) > quote.budget.left_usd;
  const known = typeof quote.price_usd === "number";
  const all = typeof quote.total_usd === "number";
  return [
    h("p.price", {}, all ? money(quote.total_usd) : "Price not known yet"),
    quote.samples ? h("p.quote-samples", {}, samplesWords(quote)) : null,
    known ? h("p.quote-unit", {}, unitWords(quote, parameters)) : null,
    quote.note ? h("p.quote-note", {}, quote.note) : null,
    h("p.quote-time", {}, expectation(quote.expected_s)),
    left ? h(`p.quote-budget${over ? ".over" : ""}`, {}, over ? `More than is left: ${left}` : left) : null,
    left && !all ? h("p.quote-budget", {}, "All of that is set aside until the run is billed.") : null,
  ];
}

function samplesWords({ price_usd, samples, samples_usd }) {
  const cost = (usd) => (typeof usd === "number" ? money(usd) : "a price not known yet");
  return `${cost(price_usd)} for the training and ${cost(samples_usd)} for ${count(samples, "sample picture")}`;
}

function unitWords(quote, { steps }) {
  const since = quote.priced_at ? `, price of ${day(quote.priced_at)}` : "";
  return `${steps ? `${number(steps)} steps, ` : ""}${money(quote.unit_price_usd)} per ${quote.unit ?? "step"}${since}`;
}

function expectation(expected) {
  if (!expected) return "No estimate of its duration yet: it comes with the first runs.";
  const [usual, long] = [roughly(expected.p50), roughly(expected.p90)];
  return usual === long ? `Usually takes ${usual}.` : `Usually takes ${usual}, seldom more than ${long}.`;
}
