/** Deleting for good: what goes is shown first, the name is typed, and in the end there is a receipt. */

import { get, request } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { bytes, number } from "../lib/format.js";
import { ask, busy, notice, sentenceOf, toast } from "../lib/ui.js";

const PAUSE_MS = 400;
const PATIENCE_MS = 60_000;

/**
 * A button that deletes a model, a training, a set of pictures or all there is of a person.
 * @param {Object} options
 * @param {string} options.subject
 * @param {string} options.id
 * @param {() => string} options.what what it is called now, as it is asked for: "plush v2"
 * @param {boolean} [options.listed] it is one button of several, which its name tells apart
 * @param {() => void} options.onDone
 */
export function eraseButton({ subject, id, what, listed = false, onDone }) {
  const label = listed ? { "aria-label": `Delete ${what()}…` } : {};
  const button = h("button.quiet.small.danger-text", { type: "button", ...label }, "Delete…");
  button.addEventListener("click", async () => {
    try {
      const plan = await busy(button, "Looking", () => get("/v1/erasures/plan", { query: { subject, subject_id: id } }));
      if (!plan || !(await agreed(plan, what()))) return;
      const body = { subject, subject_id: id, confirm: plan.name };
      await told(await busy(button, "Deleting", async () => done(await request("POST", "/v1/erasures", { body }))));
      onDone();
    } catch (error) {
      toast(sentenceOf(error));
    }
  });
  return button;
}

/** Show what a plan deletes of `what`, and what stays; whether that is wanted. */
export async function agreed(plan, what) {
  const input = h("input", { type: "text", id: "confirm-name", autocomplete: "off", spellcheck: "false" });
  const may = plan.hindrances.length === 0;
  const why = plan.hindrances.length ? notice("warn", "Not now", sentence(plan.hindrances.join("; "))) : null;
  const body = [why, ...plan.warnings.map((warning) => h("p", {}, warning)), lists(["Will be deleted", plan.deletes], ["Stays", plan.stays]),
    may && plan.name ? h("div.field", {}, h("label", { for: "confirm-name" }, `Type ${plan.name} to confirm`), input) : null];
  const ready = (yes) => {
    if (!plan.name) return;
    yes.disabled = true;
    input.addEventListener("input", () => (yes.disabled = input.value !== plan.name));
  };
  return ask({ title: `Delete ${what}?`, body, confirm: "Delete for good", tone: "danger", ready });
}

/** `text` as a sentence; fal.ai is written small. */
function sentence(text) {
  return text.startsWith("fal.ai") ? `${text}.` : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** The erasure once it is done, or as far as it is after a while. */
async function done(erasure) {
  const end = performance.now() + PATIENCE_MS;
  let now = erasure;
  while (now.state !== "done" && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    now = await get(`/v1/erasures/${encodeURIComponent(erasure.id)}`);
  }
  return now;
}

function told(erasure) {
  if (erasure.state !== "done") {
    const why = erasure.hindrance || "It goes on by itself: the receipt will be on the page of your data.";
    return ask({ title: "Not done yet", body: [h("p", {}, why)], confirm: "All right", keep: "Close" });
  }
  return showReceipt(erasure);
}

/** The receipt in a dialog, and as a file. */
export async function showReceipt(erasure) {
  const body = [lists(["Deleted", erasure.deleted], ["Was gone already", erasure.gone], ["Stays", erasure.stays])];
  const wanted = await ask({ title: "Receipt", body, confirm: "Download as JSON", keep: "Close" });
  if (wanted) save(erasure);
}

function save(erasure) {
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(erasure, null, 2)}\n`], { type: "application/json" }));
  h("a", { href: url, download: `receipt-${erasure.id}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** What is deleted, which is always told, and whatever else there is to tell: each a title with its lines. */
function lists([title, deleted], ...others) {
  return h("div.erasure", {},
    h("h3", {}, title), deleted.length ? h("ul", {}, deleted.map(item)) : h("p.help", {}, "Nothing."),
    others.filter(([, lines]) => lines.length).map(([other, lines]) => [h("h3", {}, other), h("ul", {}, lines.map(item))]));
}

function item(line) {
  const amount = [line.count ? number(line.count) : null, line.size ? bytes(line.size) : null].filter(Boolean).join(", ");
  return h("li", {}, h("span", {}, line.words, amount ? h("span.row-sub", {}, ` (${amount})`) : null),
    line.reason ? h("span.row-sub", {}, sentence(line.reason)) : null);
}
