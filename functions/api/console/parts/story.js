/** The story of a training behind a disclosure: everything that happened, fetched when somebody wants to know. */

import { get } from "../lib/api.js";
import { fill, h, keyed } from "../lib/dom.js";
import { clock, moment } from "../lib/format.js";
import { notice, sentenceOf, time } from "../lib/ui.js";

const TONES = { WARNING: "warn", ERROR: "bad" };

/** The story of a training; `refresh` when the training has moved: it is fetched again where it is open. */
export function storyView(trainingId, signal) {
  const lines = h("ol.story", {});
  const said = h("div", { "aria-live": "polite" });
  const element = h("details.more", {}, h("summary", {}, "Story"),
    h("p.help", {}, "Everything that happened, in order: what came, what was decided, what fal.ai answered."), said, lines);

  async function refresh() {
    if (!element.open) return;
    try {
      const story = await get(`/v1/trainings/${encodeURIComponent(trainingId)}/story`, { signal });
      fill(said, story.whole ? null : notice("note", null, "It is long: its beginning is left out, but for the moves."));
      keyed(lines, story.lines.map((line, index) => ({ ...line, index })), ({ index, at, name }) => `${index} ${at} ${name}`, drawLine);
    } catch (error) {
      if (error.name !== "AbortError") fill(said, notice("bad", null, sentenceOf(error)));
    }
  }

  element.addEventListener("toggle", refresh);
  return { element, refresh };
}

function drawLine({ at, source, kind, severity, text }) {
  return h("li", { data: { kind, tone: TONES[severity] ?? "" } },
    time(at, clock(at), moment(at)), h("span.story-source", {}, source), h("span", {}, text));
}
