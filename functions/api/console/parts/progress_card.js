/** How far a training has come: its stages, the bar of the present one, and what it waits for. */

import { fill, h, setText } from "../lib/dom.js";
import { waitSentence } from "../lib/remedies.js";
import { STAGES, doing, etaWords, isEnded, percentOf, stepWords } from "../lib/stages.js";
import { notice } from "../lib/ui.js";
import { stepper } from "./stepper.js";

const LOST = "Trying again. The training goes on meanwhile, and this page will catch up.";

/**
 * The card; `show` draws a training as it was received just now, `tick` the time that has passed since.
 * @param {HTMLElement} said has what the buttons of the page were answered
 */
export function progressCard(said) {
  const stages = stepper();
  const bar = progressBar();
  const eta = h("span");
  const wait = h("div", { "aria-live": "polite" });
  const lost = h("div", { hidden: true }, notice("warn", "Connection lost", LOST));
  const present = h("div.now", {}, bar.words, bar.element, h("div.now-foot", {}, bar.step, eta), wait, said, lost);
  const element = h("section.card.stage-card", { "aria-label": "Progress" }, stages.element, present);
  let now = null;
  let received = 0;

  function show(training) {
    now = training;
    received = performance.now();
    present.classList.toggle("ended", isEnded(training));
    bar.show(training);
    fill(wait, hindrance(training));
    tick();
  }

  function tick() {
    const passed = isEnded(now) ? 0 : (performance.now() - received) / 1000;
    stages.show(now, passed);
    setText(eta, etaWords(now, passed));
  }

  return { element, show, tick, connected: (there) => (lost.hidden = there) };
}

/** The bar, the words above it, and at which step it is. */
function progressBar() {
  const element = h("div.bar", { role: "progressbar", "aria-label": "Training progress", "aria-valuemin": 0, "aria-valuemax": 100 }, h("div.bar-fill"));
  const done = h("span.percent");
  const what = h("p.doing");
  const step = h("span");

  function show(training) {
    const ended = isEnded(training);
    const percent = percentOf(training);
    element.hidden = ended;
    setText(what, ended ? "" : `${doing(training)}.`);
    setText(done, percent === null ? "" : `${Math.floor(percent)} %`);
    setText(step, stepWords(training));
    drawFill(training, percent);
  }

  function drawFill(training, percent) {
    const index = STAGES.findIndex(({ id }) => id === training.stage);
    element.classList.toggle("unknown", percent === null && !isEnded(training));
    element.firstChild.style.setProperty("width", `${percent ?? (index > 3 ? 100 : 0)}%`);
    element.setAttribute("aria-valuetext", percent === null ? doing(training) : `${Math.floor(percent)} %, ${stepWords(training)}`);
    if (percent === null) element.removeAttribute("aria-valuenow");
    else element.setAttribute("aria-valuenow", String(Math.floor(percent)));
  }

  return { element, words: h("div.now-words", {}, what, done), step, show };
}

function hindrance(training) {
  if (!training.hindrance || isEnded(training)) return null;
  return notice("warn", "Waiting because", waitSentence(training.hindrance));
}
