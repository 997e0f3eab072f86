/** The stages of a training as a thread: what is sewn is solid, what lies ahead is dashed. */

import { h, icon, setText } from "../lib/dom.js";
import { duration } from "../lib/format.js";
import { marks } from "../lib/stages.js";

const SAID = { done: "done", now: "now", ahead: "not yet", failed: "failed here", canceled: "canceled here" };

/** The stepper; `show` draws a training, `passedS` seconds after it was received. */
export function stepper() {
  const steps = new Map();
  const element = h("ol.stepper", { "aria-label": "Stages" });

  function show(training, passedS) {
    for (const stage of marks(training)) {
      const step = steps.get(stage.id) ?? add(stage);
      if (step.element.dataset.mark !== stage.mark) mark(step, stage);
      setText(step.time, stageTime(stage, passedS));
    }
  }

  function add(stage) {
    const step = { dot: h("span.dot", { "aria-hidden": "true" }), said: h("span.visually-hidden"), time: h("span.stage-time") };
    step.element = h("li", {}, step.dot, h("span.stage-title", {}, stage.title, step.said), step.time);
    steps.set(stage.id, step);
    element.append(step.element);
    return step;
  }

  function mark(step, stage) {
    step.element.dataset.mark = stage.mark;
    step.said.textContent = `: ${SAID[stage.mark]}`;
    if (stage.mark === "now") step.element.setAttribute("aria-current", "step");
    else step.element.removeAttribute("aria-current");
    const sign = { done: "check", failed: "cross", canceled: "cross" }[stage.mark];
    step.dot.replaceChildren(...(sign ? [icon(sign)] : []));
  }

  return { element, show };
}

function stageTime({ mark, seconds }, passedS) {
  if (seconds === null || mark === "ahead") return "";
  const now = mark === "now" ? seconds + passedS : seconds;
  return mark === "now" && now < 1 ? "" : duration(now);
}
