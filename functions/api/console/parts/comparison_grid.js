/** The sets of a comparison as a table: a row for each version, a column for each scale, one picture of each set. */

import { fill, h } from "../lib/dom.js";
import { isThere, scaleWords } from "../lib/pictures.js";
import { isEnded } from "../lib/stages.js";
import { setBox, updateBox } from "./image_set.js";
import { openLightbox } from "./lightbox.js";
import { pictureTile } from "./picture_tile.js";

/**
 * The table, with a choice of which picture is shown where the sets have several; there is one set for each cell.
 * @param {{signal: AbortSignal, onSet: (set: Object) => void, onGone: (id: string) => void}} options
 * @returns {{element: HTMLElement, show: (sets: Object[]) => void, open: (name: string|null) => void}}
 */
export function comparisonGrid({ signal, onSet, onGone }) {
  const which = h("div");
  const table = h("table.side-by-side");
  let sets = [];
  let shown = 0;
  let axes = "";

  function show(all) {
    sets = all;
    drawChoice();
    drawFrame();
    for (const cell of table.querySelectorAll("td")) drawCell(cell);
  }

  function drawChoice() {
    const most = Math.max(...sets.map((set) => set.count));
    if (most < 2 || which.firstChild) return;
    const chips = Array.from({ length: most }, (_, index) => {
      const input = h("input", { type: "radio", name: "which", value: index, checked: index === shown });
      input.addEventListener("change", () => {
        shown = index;
        for (const cell of table.querySelectorAll("td")) drawCell(cell, true);
      });
      return h("label.chip", {}, input, h("span", {}, `Picture ${index + 1}`));
    });
    fill(which, h("fieldset.chips", {}, h("legend.visually-hidden", {}, "Which picture of each"), chips));
  }

  /** Rows and columns, made anew only where there are others. */
  function drawFrame() {
    const scales = [...new Set(sets.map((set) => set.scale))].sort((a, b) => a - b);
    const models = [...new Map(sets.map((set) => [set.model_id, set])).values()]
      .sort((a, b) => a.model_name.localeCompare(b.model_name) || a.version - b.version);
    const wanted = JSON.stringify([scales, models.map((set) => set.model_id)]);
    if (wanted === axes) return;
    axes = wanted;
    const head = h("tr", {}, scales.map((scale) => h("th", { scope: "col" }, `Scale ${scaleWords(scale)}`)));
    const rows = models.map((set) => h("tbody", {},
      h("tr", {}, h("th", { scope: "rowgroup", colspan: scales.length }, h("a", { href: `/models/${encodeURIComponent(set.model_id)}` }, `${set.model_name} v${set.version}`))),
      h("tr", {}, scales.map((scale) => h("td", { data: { model: set.model_id, scale } })))));
    fill(table, h("caption.visually-hidden", {}, "Versions below each other, scales side by side"), h("thead", {}, head), rows);
  }

  function setOf(cell) {
    return sets.find((set) => set.model_id === cell.dataset.model && String(set.scale) === cell.dataset.scale) ?? null;
  }

  function drawCell(cell, anyway = false) {
    const set = setOf(cell);
    if (cell.firstChild && set && updateBox(cell.firstChild, set)) return;
    const drawn = set ? `${set.id} ${set.status} ${set.pictures.some((picture) => picture.thumbnail_url)}` : "";
    if (cell.firstChild && cell.dataset.drawn === drawn && !anyway) return;
    cell.dataset.drawn = drawn;
    fill(cell, boxOf(set));
  }

  function boxOf(set) {
    if (!set) return h("p.help.not-there", {}, "Not there: it was deleted, or not asked for.");
    if (!isEnded(set) || set.status !== "succeeded") return setBox({ ...set, count: 1 }, { open: () => {}, onSet, onGone });
    const index = Math.min(shown, set.count - 1);
    if (!set.pictures[index]) return h("p.help.not-there", {}, `Not there. ${set.shortfall}.`);
    return h(`div.one-of.${set.size}`, {}, pictureTile(set, index, () => openAt(set, index), { large: true }));
  }

  /** The same picture of every set, in the order of the table. */
  function beside() {
    return [...table.querySelectorAll("td")].map(setOf).filter((set) => set && isThere(set))
      .map((set) => ({ set, index: Math.min(shown, set.count - 1) })).filter(({ set, index }) => set.pictures[index]);
  }

  function openAt(set, index) {
    openLightbox({ pictures: beside, set, index, onSet, onGone, signal });
  }

  function open(name) {
    const [id, number] = (name ?? "").split(".");
    const set = sets.find((each) => each.id === id);
    if (set?.pictures[number - 1]) openAt(set, number - 1);
  }

  const element = h("section", { "aria-label": "Side by side" }, which,
    h("div.table-scroll", { tabindex: "0", role: "region", "aria-label": "Side by side" }, table));
  return { element, show, open };
}
