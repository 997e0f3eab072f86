/** Where one picture is shown large: its small one until it is there, its cover where it is flagged, or why it is not there. */

import { get } from "../lib/api.js";
import { fill, h, safeUrl } from "../lib/dom.js";
import { altOf } from "../lib/pictures.js";
import { notice, sentenceOf } from "../lib/ui.js";
import { coverWords, isCovered, uncover } from "./picture_tile.js";

/**
 * @param {{signal: AbortSignal, onUncovered: () => void}} options `onUncovered` hears that the cover, with its focus, is gone
 * @returns {{element: HTMLElement, show: (set: Object, index: number) => void, stop: () => void}} what comes after `stop`
 *   or another `show` is not shown any more
 */
export function lightboxStage({ signal, onUncovered }) {
  const element = h("div.stage");
  let shown = 0;

  function show(set, index) {
    shown += 1;
    if (isCovered(set, index)) fill(element, h("div.cover-up", {}, coverWords(), revealButton(set, index)));
    else void load(set, index, shown);
  }

  function revealButton(set, index) {
    const reveal = h("button", { type: "button" }, "Show it");
    reveal.addEventListener("click", () => {
      uncover(set, index);
      onUncovered();
      show(set, index);
    });
    return reveal;
  }

  /** The URL is asked for now, so that it never is an old one; one that fails all the same is asked for once `again`. */
  async function load(set, index, round, again = true) {
    const small = safeUrl(set.pictures[index].thumbnail_url);
    const image = h("img.large", { alt: altOf(set, index) });
    fill(element, small ? h("img.small-one", { src: small, alt: "" }) : null, image);
    try {
      const { pictures } = await get(`/v1/images/${encodeURIComponent(set.id)}`, { signal });
      if (round !== shown) return;
      image.addEventListener("load", () => image.classList.add("loaded"));
      image.addEventListener("error", () => {
        if (round !== shown) return;
        if (again) void load(set, index, round, false);
        else fail(set, index, "The picture does not come: check the connection, then try again.");
      });
      image.src = safeUrl(pictures[index].url);
    } catch (error) {
      if (!signal.aborted && round === shown) fail(set, index, sentenceOf(error));
    }
  }

  function fail(set, index, sentence) {
    fill(element, notice("bad", null, sentence, h("button", { type: "button", on: { click: () => show(set, index) } }, "Try again")));
  }

  function stop() {
    shown += 1;
  }

  return { element, show, stop };
}
