/** A log that grows: it follows its end until one scrolls up, and offers the way back. */

import { h } from "../lib/dom.js";

const MOST_LINES = 2000;
const NEAR_PX = 24;

/** The log of a training; `add({index, line})` shows each index once, in whatever order a broken connection brings them. */
export function logView() {
  const seen = new Set();
  let last = -1;
  let follows = true;
  const lines = h("div.log-lines", { role: "log", "aria-label": "Training log", "aria-live": "off", tabindex: "0" });
  const empty = h("p.log-empty", {}, "The log begins when fal.ai starts to train.");
  const down = h("button.small.log-down", { type: "button", hidden: true }, "Follow the end");
  const element = h("div.log", {}, lines, empty, down);

  function add({ index, line }) {
    if (seen.has(index)) return;
    seen.add(index);
    empty.hidden = true;
    if (index > last + 1) lines.append(h("div.log-gap", {}, gap(index - last - 1)));
    last = Math.max(last, index);
    lines.append(h("div", {}, line || " "));
    while (lines.childElementCount > MOST_LINES) lines.firstElementChild.remove();
    if (follows) toEnd();
  }

  function toEnd() {
    lines.scrollTop = lines.scrollHeight;
  }

  /** Nothing more will come. */
  function end() {
    empty.textContent = "There is no log: it ended before fal.ai began to train.";
  }

  lines.addEventListener("scroll", () => {
    follows = lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_PX;
    down.hidden = follows;
  });
  down.addEventListener("click", () => {
    follows = true;
    toEnd();
    lines.focus();
  });
  return { element, add, end };
}

function gap(missing) {
  return missing === 1 ? "1 earlier line is only in the whole log" : `${missing} earlier lines are only in the whole log`;
}
