/** A set of pictures as a card: under way, made, or failed with what it cost and what to press. */

import { postOnce, request } from "../lib/api.js";
import { fill, h, icon, setText } from "../lib/dom.js";
import { ago, moment } from "../lib/format.js";
import { costWords, doingWords, isSamples, percentOfSet, priced, scaleWords } from "../lib/pictures.js";
import { remedyOfSet, waitSentence } from "../lib/remedies.js";
import { costSentence, isEnded } from "../lib/stages.js";
import { ask, busy, pill, sentenceOf, time, toast } from "../lib/ui.js";
import { deleteSet } from "./set_changes.js";
import { pictureTile } from "./picture_tile.js";

const updates = new WeakMap();

/**
 * The box of a set: its pictures, or why there are none.
 * @param {Object} set
 * @param {{open: (index: number) => void, onSet: (set: Object) => void, onGone: (id: string) => void, again?: string}} to
 *   `again` is the successor's id where it has been tried again
 */
export function setBox(set, to) {
  if (!isEnded(set)) return underWay(set, to);
  if (set.status !== "succeeded") return failed(set, to);
  const tiles = set.pictures.map((_, index) => pictureTile(set, index, () => to.open(index)));
  return h(`div.mosaic.of-${set.pictures.length}`, {}, tiles);
}

/** What a set was made with, in a line or two under its box. */
export function setCaption(set, { showModel }) {
  const model = showModel ? h("a", { href: `/models/${encodeURIComponent(set.model_id)}` }, `${set.model_name} v${set.version}`) : null;
  const facts = [set.scale === 1 ? null : `scale ${scaleWords(set.scale)}`, isEnded(set) && !set.pictures.length ? null : costWords(set), set.shortfall].filter(Boolean);
  return h("div.set-words", {},
    h("p.set-prompt", { title: set.prompt }, set.prompt),
    h("p.row-sub", {}, isSamples(set) ? pill("sample", "quiet") : null, model, facts.map((fact) => h("span", {}, fact)),
      set.group_id ? h("a", { href: `/comparisons/${encodeURIComponent(set.group_id)}` }, "comparison") : null,
      time(set.created_at, ago(set.created_at), moment(set.created_at))));
}

/** Say in a box that is there how far its set is; false where another box is needed. */
export function updateBox(box, set) {
  const update = isEnded(set) ? null : updates.get(box);
  update?.(set);
  return Boolean(update);
}

function underWay(set, { onSet }) {
  const now = h("p");
  const why = h("p.set-why");
  const bar = h("div.bar", {
    role: "progressbar", "aria-label": `Progress of “${set.prompt}”`, "aria-valuemin": 0, "aria-valuemax": 100,
  }, h("div.bar-fill"));
  const cancel = h("button.quiet.small", { type: "button" }, "Cancel");
  cancel.addEventListener("click", () => busy(cancel, "Asking", () => canceled(set, onSet)));
  const blanks = Array.from({ length: set.count }, () => h("span.tile.blank"));
  const box = h("div.set-box.waiting", {}, h(`div.mosaic.of-${set.count}`, { "aria-hidden": "true" }, blanks), h("div.set-now", {}, now, bar, why, cancel));
  const update = (given) => {
    setText(now, `${doingWords(given)}.`);
    setText(why, whyItWaits(given));
    cancel.hidden = Boolean(given.cancel_requested_at);
    drawBar(bar, given);
  };
  updates.set(box, update);
  update(set);
  return box;
}

function whyItWaits({ hindrance, cancel_requested_at: asked }) {
  if (hindrance) return waitSentence(hindrance);
  return asked ? "fal.ai has been asked to stop." : "";
}

function drawBar(bar, set) {
  const percent = percentOfSet(set);
  bar.classList.toggle("unknown", percent === null);
  bar.setAttribute("aria-valuetext", doingWords(set));
  if (percent === null) return bar.removeAttribute("aria-valuenow");
  bar.firstChild.style.setProperty("width", `${percent}%`);
  return bar.setAttribute("aria-valuenow", String(Math.floor(percent)));
}

async function canceled(set, onSet) {
  try {
    const done = await request("POST", `/v1/images/${encodeURIComponent(set.id)}/cancel`);
    toast(done.message);
    onSet(done.images);
  } catch (error) {
    toast(sentenceOf(error));
  }
}

function failed(set, to) {
  const { retry: words, sentence = "", warning, ...ways } = remedyOfSet(set);
  const message = h("p.set-why", { role: "alert", hidden: true });
  const retry = words ? h("button.small", { type: "button" }, set.recoverable ? words : priced(words, set)) : null;
  retry?.addEventListener("click", () => busy(retry, "Asking", () => again(set, warning, message, to.onSet)));
  const remove = h("button.quiet.small.danger-text", { type: "button" }, "Delete…");
  remove.addEventListener("click", () => deleteSet(set, to.onGone));
  const isCanceled = set.status === "canceled";
  return h(`div.set-box.${isCanceled ? "called-off" : "failed"}`, {},
    h("p.set-title", {}, icon(isCanceled ? "cross" : "error"), isCanceled ? "Canceled" : "Not made"),
    isCanceled ? null : h("p", {}, set.error?.message ?? "Nobody said why."),
    h("p.set-cost", {}, `${costSentence(set)} ${sentence}`.trim()), message,
    h("div.actions", {}, to.again ? h("p.set-why", {}, "It was tried again.") : [retry, wayOn(set, ways)], remove));
}

function wayOn(set, { change, models }) {
  if (models) return h("a.button.quiet.small", { href: "/models" }, "Choose another model");
  const like = `/models/${encodeURIComponent(set.model_id)}?like=${encodeURIComponent(set.id)}`;
  return change ? h("a.button.quiet.small", { href: like }, "Change it") : null;
}

async function again(set, warning, message, onSet) {
  message.hidden = true;
  const question = { title: "Ask again?", body: h("p", {}, warning), confirm: priced("Ask again", set), keep: "Not now" };
  if (warning && !(await ask(question))) return;
  try {
    onSet(await postOnce(`/v1/images/${encodeURIComponent(set.id)}/retry`));
  } catch (error) {
    message.hidden = false;
    fill(message, sentenceOf(error));
  }
}
