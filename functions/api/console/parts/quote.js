/** What a run will cost and how long it will take, before it is bought. */

import { ifThere, request } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { count, day, money, number, roughly } from "../lib/format.js";
import { sentenceOf } from "../lib/ui.js";

const TYPING_MS = 250;

/**
 * A quote: for a trainer with its parameters and samples, or of what `load` asks for and `draw` shows.
 * @param {Object} options
 * @param {AbortSignal} options.signal
 * @param {(quote: Object) => void} [options.onQuote]
 * @param {(wanted: any, signal: AbortSignal) => Promise<any>} [options.load] gives null where no price is known
 * @param {(quote: any, wanted: any) => any[]} [options.draw]
 * @returns {{element: HTMLElement, ask: (wanted: any) => void}}
 */
export function quoteBox({ signal, onQuote, load: quoted = trainingQuote, draw = drawQuote }) {
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
      const quote = await quoted(wanted, signal);
      if (quote && !signal.aborted && key === asked) onQuote?.(quote);
      shown = quote ? draw(quote, wanted) : [h("p.quote-time", {}, "No price is known here: fal.ai bills each run by its steps.")];
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

function trainingQuote(wanted, signal) {
  return ifThere(request("POST", "/v1/quotes", { body: wanted, signal }));
}

function drawQuote(quote, { parameters }) {
  return [
    h("p.price", {}, priceWords(quote.total_usd)),
    quote.samples ? h("p.quote-samples", {}, samplesWords(quote)) : null,
    typeof quote.price_usd === "number" ? h("p.quote-unit", {}, unitWords(quote, parameters)) : null,
    quote.note ? h("p.quote-note", {}, quote.note) : null,
    h("p.quote-time", {}, expectation(quote.expected_s)),
    budgetPart(quote.budget, quote.total_usd, "the run is"),
  ];
}

/** A price, also where nobody tells it before. */
export function priceWords(usd) {
  return typeof usd === "number" ? money(usd) : "Price not known yet";
}

/** What is left of the day's budget, and whether `usd` is within it; nothing without a budget. */
export function budgetPart(budget, usd, what) {
  if (!budget) return null;
  const over = (usd ?? 0) > budget.left_usd;
  const left = `${money(budget.left_usd)} of your ${money(budget.limit_usd)} are left.`;
  return [
    h(`p.quote-budget${over ? ".over" : ""}`, {}, over ? `More than is left: ${left}` : left),
    typeof usd === "number" ? null : h("p.quote-budget", {}, `All of that is set aside until ${what} billed.`),
  ];
}

function samplesWords({ price_usd, samples, samples_usd }) {
  const cost = (usd) => (typeof usd === "number" ? money(usd) : "a price not known yet");
  return `${cost(price_usd)} for the training and ${cost(samples_usd)} for ${count(samples, "sample picture")}`;
}

function unitWords(quote, { steps }) {
  const since = quote.priced_at ? `, price of ${day(quote.priced_at)}` : "";
  return `${steps ? `${number(steps)} steps, ` : ""}${money(quote.unit_price_usd)} per ${grouped(quote.unit ?? "step")}${since}`;
}

/** "1000 steps" as numbers are written elsewhere. */
function grouped(unit) {
  return unit.replace(/\d{4,}/g, (digits) => number(Number(digits)));
}

function expectation(expected) {
  if (!expected) return "No estimate of its duration yet: it comes with the first runs.";
  const [usual, long] = [roughly(expected.p50), roughly(expected.p90)];
  return usual === long ? `Usually takes ${usual}.` : `Usually takes ${usual}, seldom more than ${long}.`;
}
