/** Telling somebody who looks elsewhere that a training ended. */

import { h, icon } from "./dom.js";
import { choice } from "./drafts.js";
import { toast } from "./ui.js";

/** A button that turns notifications on or off; null where the browser has none. It asks for leave only when pressed. */
export function notifyButton() {
  if (!("Notification" in window)) return null;
  const words = h("span");
  const button = h("button.quiet.small", { type: "button" }, icon("bell"), words);
  const draw = () => {
    words.textContent = wanted() ? "Will notify" : "Notify me";
    button.setAttribute("aria-pressed", String(wanted()));
  };
  button.addEventListener("click", async () => {
    if (wanted()) choice("notify", false);
    else if ((await Notification.requestPermission()) === "granted") choice("notify", true);
    else toast("The browser does not allow notifications from this page: allow them in its settings.");
    draw();
  });
  draw();
  return button;
}

/** Notify that `training` ended, where that is wanted and nobody is looking. */
export function notifyEnd(training) {
  if (!("Notification" in window) || !wanted() || (!document.hidden && document.hasFocus())) return;
  const title = { succeeded: "Your model is ready", failed: "The training failed", canceled: "The training was canceled" };
  const shown = new Notification(title[training.status], { body: training.model_name, tag: training.id });
  shown.addEventListener("click", () => {
    window.focus();
    shown.close();
  });
}

function wanted() {
  return Notification.permission === "granted" && choice("notify") === true;
}
