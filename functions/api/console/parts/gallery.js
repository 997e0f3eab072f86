/** Sets of pictures as a grid, newest first: live while they are made, and each picture opens large. */

import { get } from "../lib/api.js";
import { fill, h, keyed } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { pagedList } from "../lib/paged_list.js";
import { isThere } from "../lib/pictures.js";
import { isEnded } from "../lib/stages.js";
import { announce, notice, sentenceOf, skeletons, toast } from "../lib/ui.js";
import { watchSets } from "../lib/watch_sets.js";
import { setBox, setCaption, updateBox } from "./image_set.js";
import { openLightbox } from "./lightbox.js";
import { isCovered, nameOf } from "./picture_tile.js";

// signed URLs of thumbnails are good for an hour
const RENEW_MS = 40 * 60_000;

/**
 * The grid.
 * @param {Object} options
 * @param {(cursor: string|null) => Promise<Object>} options.load gives a page of sets
 * @param {() => HTMLElement} options.none what is said where there are none
 * @param {boolean} options.showModel whether each says with which model it was made
 * @param {(sets: Object[]) => void} [options.onSets] hears of all that are shown
 * @param {AbortSignal} options.signal
 * @returns {{element: HTMLElement, start: () => Promise<void>, refresh: () => Promise<void>, put: Function, open: Function}}
 *   `put` shows a set that was just asked for, `open` a picture by its name in the address
 */
export function gallery({ load, none, showModel, onSets, signal }) {
  const grid = h("ul.sets", {}, skeletons(6, "set-skeleton", "Loading the pictures"));
  const lost = h("div", { hidden: true }, notice("warn", "Connection lost", "Trying again. The pictures are made meanwhile, and this page will catch up."));
  const deleted = new Set();
  let sets = [];
  const list = pagedList({ container: grid, signal, load, show });
  const watched = watchSets({
    signal, onSet: changed, onGone: drop, onConnection: (there) => (lost.hidden = there), onProblem: (error) => toast(sentenceOf(error)),
  });

  function show(all) {
    sets = all.filter(({ id }) => !deleted.has(id));
    onSets?.(sets);
    watched.watch(sets);
    if (!sets.length) {
      grid._keyed = null;
      return void fill(grid, h("li.whole", {}, none()));
    }
    const successors = new Map(sets.filter((set) => set.predecessor_id).map((set) => [set.predecessor_id, set.id]));
    const items = sets.map((set) => ({ set: lasting(set), again: successors.get(set.id) ?? null }));
    return void keyed(grid, items, ({ set }) => set.id, draw);
  }

  function draw({ set: { id }, again }, before) {
    const set = sets.find((each) => each.id === id);
    if (before && updateBox(before.firstChild, set)) return before;
    const card = before ?? h("li.set", { data: { set: id } });
    const box = setBox(set, { open: (index) => openAt(set, index), onSet: put, onGone: drop, again });
    return fill(card, box, setCaption(set, { showModel }));
  }

  function changed(set) {
    const before = sets.find(({ id }) => id === set.id);
    if (!before) return;
    list.put(set);
    if (!isEnded(before) && isEnded(set)) announce(set.pictures.length ? `${count(set.pictures.length, "picture")} made: ${set.prompt}` : `Not made: ${set.prompt}`);
  }

  function put(set) {
    list.put(set);
    grid.querySelector(`[data-set="${CSS.escape(set.id)}"]`)?.scrollIntoView({ block: "nearest" });
  }

  /** Its record goes a moment later: until then it would come back. */
  function drop(id) {
    deleted.add(id);
    list.drop(id);
  }

  function openAt(set, index) {
    openLightbox({ pictures: () => picturesOf(sets), set, index, onSet: put, onGone: drop, signal });
  }

  /** What was made in another tab meanwhile. */
  document.addEventListener("visibilitychange", () => document.hidden || void list.refresh(), { signal });

  /** From an address that names a picture: also one that is further down than what is shown. */
  async function open(name) {
    const [id, number] = (name ?? "").split(".");
    const set = sets.find((each) => each.id === id) ?? (id ? await get(`/v1/images/${encodeURIComponent(id)}`, { signal }).catch(() => null) : null);
    if (!signal.aborted && set?.pictures[number - 1]) openAt(set, number - 1);
  }

  return { element: h("div.gallery", {}, lost, grid, list.foot), start: list.start, refresh: list.refresh, put, open, knows: (id) => sets.some((set) => set.id === id) };
}

function picturesOf(sets) {
  return sets.filter(isThere).flatMap((set) => set.pictures.map((_, index) => ({ set, index })));
}

/** The set without what is another one each time it is asked for, so that it is drawn anew only where it differs. */
function lasting(set) {
  const pictures = set.pictures.map(({ url, thumbnail_url: small, ...picture }, index) => ({
    ...picture, small: Boolean(small), covered: isCovered(set, index), name: nameOf(set, index),
  }));
  return { ...set, pictures, urls: Math.floor(Date.now() / RENEW_MS) };
}
