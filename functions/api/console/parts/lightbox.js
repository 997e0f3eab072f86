/** One picture, large, with everything that is known of it; the arrow keys go to the others of the page. */

import { fill, h, icon, setText } from "../lib/dom.js";
import { setQuery } from "../lib/router.js";
import { aboutPicture, pictureActions } from "./lightbox_about.js";
import { lightboxStage } from "./lightbox_stage.js";
import { nameOf } from "./picture_tile.js";

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
  const stage = lightboxStage({ signal, onUncovered: () => view.close.focus() });
  const view = frame(stage.element);
  const close = () => view.dialog.close();
  const changes = { onMade: (made) => leave(onSet, made), onGone: (id) => leave(onGone, id) };
  let now = { set, index };

  function place() {
    return pictures().findIndex((each) => nameOf(each.set, each.index) === nameOf(now.set, now.index));
  }

  function step(by) {
    const next = pictures()[place() + by];
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
    fill(view.about, aboutPicture(now.set), pictureActions(now.set, now.index, changes));
    stage.show(now.set, now.index);
  }

  function leave(tell, what) {
    close();
    tell(what);
  }

  function closed() {
    stage.stop();
    view.dialog.remove();
    if (signal.aborted) return;
    setQuery({ picture: null });
    document.querySelector(`[data-picture="${CSS.escape(nameOf(now.set, now.index))}"]`)?.focus();
  }

  listen(view, { step, close, closed });
  signal.addEventListener("abort", close);
  document.body.append(view.dialog);
  draw();
  view.dialog.showModal();
  view.close.focus();
}

/** The dialog without a picture. Its first button closes it, so that the next ones are a tab away. */
function frame(stage) {
  const round = (name, kind, label) => h(`button.round.${kind}`, { type: "button", "aria-label": label, title: label }, icon(name));
  const view = {
    about: h("div.about"), where: h("span.where", { "aria-live": "polite" }), close: round("cross", "close", "Close"),
    before: round("left", "before", "The picture before"), after: round("right", "after", "The next picture"),
  };
  view.dialog = h("dialog.lightbox", { "aria-label": "Picture" },
    view.close, h("div.stage-frame", {}, stage, view.before, view.after),
    h("div.side", { tabindex: "0", role: "region", "aria-label": "About this picture" }, view.where, view.about));
  return view;
}

function listen({ dialog, before, after, close: button }, { step, close, closed }) {
  before.addEventListener("click", () => step(-1));
  after.addEventListener("click", () => step(1));
  button.addEventListener("click", close);
  dialog.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("a[href]")) close();
  });
  dialog.addEventListener("close", closed);
}
