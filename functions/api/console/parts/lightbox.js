/** One picture, large, with everything that is known of it; the arrow keys go to the others of the page. */

import { get } from "../lib/api.js";
import { fill, h, icon, safeUrl, setText } from "../lib/dom.js";
import { ago, moment } from "../lib/format.js";
import { altOf, costWords, priced, scaleWords, sizeWords } from "../lib/pictures.js";
import { setQuery } from "../lib/router.js";
import { busy, copyable, facts, notice, sentenceOf, time } from "../lib/ui.js";
import { coverWords, isCovered, nameOf, uncover } from "./picture_tile.js";
import { deleteSet, makeMore, savePicture } from "./set_changes.js";

/**
 * Open it at a picture of a set.
 * @param {Object} options
 * @param {() => {set: Object, index: number}[]} options.pictures those of the page, in their order
 * @param {Object} options.set
 * @param {number} options.index
 * @param {(more: Object) => void} options.onSet hears of a set that was asked for here
 * @param {(id: string) => void} options.onGone hears of a set that was deleted here
 * @param {AbortSignal} options.signal closes it
 */
export function openLightbox({ pictures, set, index, onSet, onGone, signal }) {
  let now = { set, index };
  let shown = 0;
  const view = parts();
  document.body.append(view.dialog);

  function place() {
    return pictures().findIndex((each) => nameOf(each.set, each.index) === nameOf(now.set, now.index));
  }

  function step(by) {
    const all = pictures();
    const next = all[place() + by];
    if (!next) return;
    now = next;
    draw();
  }

  function draw() {
    const [at, all] = [place(), pictures().length];
    setQuery({ picture: nameOf(now.set, now.index) });
    view.before.disabled = at <= 0;
    view.after.disabled = at < 0 || at >= all - 1;
    setText(view.where, at < 0 ? "" : `${at + 1} of ${all}`);
    fill(view.about, about(now.set), actions());
    drawPicture();
  }

  function drawPicture() {
    const { set: mine, index: number } = now;
    shown += 1;
    if (!isCovered(mine, number)) return void showPicture(mine, number, shown);
    const reveal = h("button", { type: "button" }, "Show it");
    reveal.addEventListener("click", () => {
      uncover(mine, number);
      view.close.focus();
      drawPicture();
    });
    fill(view.stage, h("div.cover-up", {}, coverWords(), reveal));
  }

  /** The small one until the large one is there; the URL of the large one is asked for now, so it never is an old one. */
  async function showPicture(mine, number, round, again = true) {
    const small = safeUrl(mine.pictures[number].thumbnail_url);
    const image = h("img.large", { alt: altOf(mine, number) });
    fill(view.stage, small ? h("img.small-one", { src: small, alt: "" }) : null, image);
    try {
      const { pictures: fresh } = await get(`/v1/images/${encodeURIComponent(mine.id)}`, { signal });
      if (round !== shown) return;
      image.addEventListener("load", () => image.classList.add("loaded"));
      image.addEventListener("error", () => round === shown && failed(again));
      image.src = safeUrl(fresh[number].url);
    } catch (error) {
      if (!signal.aborted && round === shown) fill(view.stage, notice("bad", null, sentenceOf(error), tryAgain()));
    }

    function failed(mayAsk) {
      if (mayAsk) return void showPicture(mine, number, round, false);
      fill(view.stage, notice("bad", null, "The picture does not come: check the connection, then try again.", tryAgain()));
    }
  }

  function tryAgain() {
    return h("button", { type: "button", on: { click: drawPicture } }, "Try again");
  }

  function actions() {
    const { set: mine, index: number } = now;
    const more = h("button.primary", { type: "button" }, icon("more"), priced("More like this", mine));
    more.addEventListener("click", () => busy(more, "Asking", async () => {
      const made = await makeMore(mine);
      if (!made) return;
      onSet(made);
      close();
    }));
    const save = h("button", { type: "button" }, icon("download"), "Download");
    save.addEventListener("click", () => busy(save, "Asking for the file", () => savePicture(mine, number)));
    const remove = h("button.quiet.danger-text", { type: "button" }, "Delete…");
    remove.addEventListener("click", () => deleteSet(mine, (id) => {
      close();
      onGone(id);
    }));
    return h("div.actions", {}, more, save, h("a.button.quiet", { href: `/models/${encodeURIComponent(mine.model_id)}?like=${encodeURIComponent(mine.id)}` }, "Change and make"), remove);
  }

  function close() {
    view.dialog.close();
  }

  view.before.addEventListener("click", () => step(-1));
  view.after.addEventListener("click", () => step(1));
  view.close.addEventListener("click", close);
  view.dialog.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  view.dialog.addEventListener("click", (event) => {
    if (event.target.closest("a[href]")) close();
  });
  view.dialog.addEventListener("close", () => {
    shown += 1;
    view.dialog.remove();
    if (signal.aborted) return;
    setQuery({ picture: null });
    document.querySelector(`[data-picture="${CSS.escape(nameOf(now.set, now.index))}"]`)?.focus();
  });
  signal.addEventListener("abort", close);
  draw();
  view.dialog.showModal();
  view.close.focus();
}

function parts() {
  const round = (name, label) => h("button.round", { type: "button", "aria-label": label, title: label }, icon(name));
  const view = {
    stage: h("div.stage"), about: h("div.about"), where: h("span.where", { "aria-live": "polite" }),
    before: round("left", "The picture before"), after: round("right", "The next picture"), close: round("cross", "Close"),
  };
  view.before.classList.add("before");
  view.after.classList.add("after");
  view.close.classList.add("close");
  view.dialog = h("dialog.lightbox", { "aria-label": "Picture" },
    h("div.stage-frame", {}, view.stage, view.before, view.after), h("div.side", { tabindex: "0", role: "region", "aria-label": "About this picture" }, view.where, view.about), view.close);
  return view;
}

function about(set) {
  const model = h("a", { href: `/models/${encodeURIComponent(set.model_id)}` }, `${set.model_name} v${set.version}`);
  const group = set.group_id ? h("a", { href: `/comparisons/${encodeURIComponent(set.group_id)}` }, "See it side by side") : null;
  return [
    h("div.prompt", {}, copyable(set.prompt, "Copy the prompt", "p")),
    facts(
      ["Model", model], ["Seed", copyable(String(set.seed), "Copy the seed")], ["Scale", scaleWords(set.scale)],
      ["Size", sizeOf(set)], ["Cost", costWords(set)], ["Made", time(set.created_at, ago(set.created_at), moment(set.created_at))],
      ["Comparison", group],
    ),
  ];
}

function sizeOf({ size, pictures: [first] }) {
  return `${sizeWords(size)}, ${first.width} × ${first.height}`;
}
