/** The button of a form that starts a training, why it cannot, and what came of pressing it. */

import { fill, h, setText } from "../lib/dom.js";

/** The button with its message and, below it, what hinders it: `elements`, in their order. */
export function trainButton() {
  const message = h("div.panel-message", { "aria-live": "polite" });
  const button = h("button.primary.wide", { type: "submit" });
  const why = h("p.help.blocked", { id: "why-blocked", hidden: true });
  let title = "";
  let blocked = null;
  let sending = false;

  function setTitle(words) {
    title = words;
    setText(button, words);
  }

  function setBlocked(reason) {
    blocked = reason;
    why.hidden = !reason;
    setText(why, reason ? `Not yet: ${reason}` : "");
    if (!sending) button.toggleAttribute("disabled", Boolean(reason));
  }

  /** Do `work` while the button says so. */
  async function during(work) {
    sending = true;
    button.setAttribute("aria-disabled", "true");
    setText(button, "Starting");
    fill(message);
    try {
      await work();
    } finally {
      sending = false;
      button.removeAttribute("aria-disabled");
      setText(button, title);
    }
  }

  /** Forget what was said of the last press, unless there is one under way. */
  function hush() {
    if (!sending) fill(message);
  }

  const isReady = () => !sending && !blocked;
  return { elements: [message, button, why], setTitle, setBlocked, isReady, during, say: (words) => fill(message, words), hush };
}
