/** The versions of a name as a tree: which one grew from which, what was different, and which one is current. */

import { get, request } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { ago, count, moment, money } from "../lib/format.js";
import { announce, busy, notice, pill, sentenceOf, time, toast } from "../lib/ui.js";
import { differencePhrases } from "./differences.js";

const DEEPEST = 4;

/**
 * The card with the tree that `model` is in; it loads by itself and says where it cannot. Below it stand the ways to the
 * next version.
 * @param {{model: Object, next: HTMLElement, signal: AbortSignal}} options
 */
export function versionsCard({ model, next, signal }) {
  const title = h("h2", { id: "versions-title" }, "Versions");
  const body = h("div", {}, h("div.skeleton.facts-skeleton"));
  const card = h("section.card", { "aria-labelledby": title.id }, title, body, next);
  const path = `/v1/models/${encodeURIComponent(model.id)}`;

  async function load() {
    try {
      const tree = await get(`${path}/lineage`, { signal });
      if (signal.aborted) return;
      title.textContent = count(tree.items.length, "version");
      fill(body, promotion(tree), h("ul.versions", {}, branches(tree.items).map(([depth, item]) => version(item, depth, model))));
    } catch (error) {
      if (!signal.aborted) fill(body, notice("warn", "The versions cannot be shown", sentenceOf(error)));
    }
  }

  function promotion(tree) {
    if (tree.current_model_id === model.id) return h("p.help", {}, "This is the current version: the one to use.");
    const button = h("button.quiet.small", { type: "button" }, "Make this version current");
    button.addEventListener("click", () => busy(button, "Asking", async () => {
      try {
        await request("POST", `${path}/promote`);
        await load();
        announce(`Version ${model.version} is current.`);
        toast(`${model.name} v${model.version} is the current version now.`);
        title.tabIndex = -1;
        title.focus();
      } catch (error) {
        toast(sentenceOf(error));
      }
    }));
    return h("div.actions.promote", {}, button);
  }

  void load();
  return card;
}

/** Each version with its depth, after the one that it grew from, the oldest first. */
function branches(items) {
  const known = new Set(items.map(({ model }) => model.id));
  const sorted = [...items].sort((a, b) => a.model.version - b.model.version);
  const below = (parent, depth) => sorted
    .filter(({ model }) => (known.has(model.parent_model_id) ? model.parent_model_id : null) === parent)
    .flatMap((item) => [[depth, item], ...below(item.model.id, depth + 1)]);
  return below(null, 0);
}

function version(item, depth, shown) {
  const { model } = item;
  const here = model.id === shown.id;
  const phrases = [
    item.parent_is_gone ? "what it grew from is deleted" : null, model.continues ? "continues" : null,
    ...differencePhrases(item.difference, model.trainer), typeof model.cost_usd === "number" ? money(model.cost_usd) : null,
  ].filter(Boolean);
  const words = h("span.version-words", {},
    h("span.version-name", {}, h("a", { href: `/models/${encodeURIComponent(model.id)}`, "aria-current": here ? "true" : null }, `Version ${model.version}`),
      item.current ? pill("current", "good") : null),
    h("span.row-sub", {}, time(model.trained_at, ago(model.trained_at), moment(model.trained_at)), phrases.map((phrase) => `, ${phrase}`)));
  const [older, newer] = [model, shown].sort((a, b) => a.version - b.version).map(({ id }) => encodeURIComponent(id));
  const compare = here ? null : h("a.button.quiet.small", {
    href: `/models/${newer}/diff?against=${older}`, "aria-label": `Compare with version ${model.version}`,
  }, "Compare");
  // deeper ones stay where they can still be read on a phone
  return h(`li.version-row.depth-${Math.min(depth, DEEPEST)}`, {}, words, compare);
}
