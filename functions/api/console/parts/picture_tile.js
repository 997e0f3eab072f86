/** One small picture; what fal.ai's safety checker flagged stays covered until somebody wants to see it. */

import { fill, h, icon } from "../lib/dom.js";
import { altOf } from "../lib/pictures.js";
import { thumbnail } from "../lib/ui.js";

const uncovered = new Set();

/** Whether the picture is to be covered now. */
export function isCovered(set, index) {
  return Boolean(set.pictures[index].nsfw) && !uncovered.has(nameOf(set, index));
}

/** Somebody wants to see it: it stays uncovered until the page is loaded again. */
export function uncover(set, index) {
  uncovered.add(nameOf(set, index));
}

/** By what a picture is found on a page. */
export function nameOf(set, index) {
  return `${set.id}.${index + 1}`;
}

/** What lies over a flagged picture; `small` says it shortly. */
export function coverWords(small = false) {
  return [icon("hidden"), h("span", {}, small ? "Flagged. Show it?" : "fal.ai's safety checker flagged this picture. It may be black.")];
}

/**
 * A tile that opens the picture, or first uncovers it.
 * @param {Object} set
 * @param {number} index
 * @param {() => void} open
 * @param {{large?: boolean}} [options] `large` shows the picture itself where its URL is at hand
 */
export function pictureTile(set, index, open, { large = false } = {}) {
  const tile = h("button.tile", { type: "button", data: { picture: nameOf(set, index) } });

  function draw() {
    const covered = isCovered(set, index);
    tile.classList.toggle("covered", covered);
    tile.setAttribute("aria-label", covered ? `Flagged by fal.ai's safety checker: show it. ${altOf(set, index)}` : altOf(set, index));
    const { url, thumbnail_url: small } = set.pictures[index];
    fill(tile, covered ? coverWords(true) : thumbnail((large && url) || small, ""));
  }

  tile.addEventListener("click", () => {
    if (!isCovered(set, index)) return void open();
    uncover(set, index);
    draw();
  });
  draw();
  return tile;
}
