/** A list that grows by pages and comes back as long as it was. */

import { fill, h } from "./dom.js";
import { remember, remembered } from "./router.js";
import { busy, problemNotice } from "./ui.js";

/**
 * Fill `container` page by page.
 * @param {Object} list
 * @param {HTMLElement} list.container what `show` draws into
 * @param {(cursor: string|null) => Promise<{items: any[], next_cursor: string|null}>} list.load
 * @param {(items: any[]) => void} list.show draws all items loaded so far
 * @param {AbortSignal} list.signal
 * @returns {{foot: HTMLElement, start: Function, refresh: Function, put: (item: any) => void, drop: (id: string) => void}}
 *   `foot` goes under the list; `put` replaces the item of that id, or puts a new one in front
 */
export function pagedList({ container, load, show, signal }) {
  const foot = h("div.list-foot");
  let items = [];
  let next = null;
  let round = 0;

  async function start() {
    round += 1;
    const mine = round;
    const wanted = remembered("pages") ?? 1;
    items = [];
    next = null;
    try {
      for (let page = 0; page < wanted && (page === 0 || next); page += 1) {
        const got = await load(next);
        if (signal.aborted || mine !== round) return;
        items.push(...got.items);
        next = got.next_cursor;
      }
      show(items);
      drawFoot();
    } catch (error) {
      if (signal.aborted || mine !== round) return;
      fill(container);
      fill(foot, problemNotice(error, start));
    }
  }

  async function more() {
    const got = await load(next);
    if (signal.aborted) return;
    items.push(...got.items);
    next = got.next_cursor;
    remember({ pages: (remembered("pages") ?? 1) + 1 });
    show(items);
    drawFoot();
  }

  function drawFoot(error = null) {
    if (!next) return fill(foot);
    const button = h("button", { type: "button" }, "Show more");
    button.addEventListener("click", () => busy(button, "Loading", () => more().catch(drawFoot)));
    return fill(foot, error ? problemNotice(error) : null, button);
  }

  /** The first page again, merged into what is shown; failures are left for the next time. */
  async function refresh() {
    const mine = round;
    const got = await load(null).catch(() => null);
    if (!got || signal.aborted || mine !== round) return;
    const fresh = new Map(got.items.map((item) => [item.id, item]));
    items = [...got.items, ...items.filter((item) => !fresh.has(item.id))];
    show(items);
  }

  function put(item) {
    const known = items.some(({ id }) => id === item.id);
    items = known ? items.map((each) => (each.id === item.id ? item : each)) : [item, ...items];
    show(items);
  }

  function drop(id) {
    items = items.filter((item) => item.id !== id);
    show(items);
  }

  return { foot, start, refresh, put, drop };
}

/** Call `act` every `ms` while the page is looked at, until `signal` is aborted. */
export function every(ms, act, signal) {
  const timer = setInterval(() => {
    if (!document.hidden) void act();
  }, ms);
  signal.addEventListener("abort", () => clearInterval(timer));
}
