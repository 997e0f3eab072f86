/** One training, live: where it stands, why it waits, what it says, and how it ended. */

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { follow } from "../lib/live.js";
import { notifyEnd } from "../lib/notify.js";
import { setTitle } from "../lib/router.js";
import { doing, isEnded, percentOf, statusOf } from "../lib/stages.js";
import { trainers } from "../lib/trainers.js";
import { announce, breadcrumb, pill, sentenceOf, showProblem, skeletons, toast } from "../lib/ui.js";
import { logView } from "../parts/log_view.js";
import { outcomeCard } from "../parts/outcome.js";
import { progressCard } from "../parts/progress_card.js";
import { storyView } from "../parts/story.js";
import { trainingActions } from "../parts/training_actions.js";
import { exchange, trainingFacts } from "../parts/training_facts.js";

const CLOCK_MS = 1000;

/** The page of a training. */
export function trainingPage({ params, signal }) {
  const body = h("div.page", {},
    h("div.page-head", {}, h("div", {}, breadcrumb(["Trainings", "/trainings"]), h("h1", {}, h("span.skeleton.line")))),
    h("div.card", {}, skeletons(1, "stepper-skeleton", "Loading the training")));
  const names = trainers(signal).catch(() => null);
  const loaded = get(`/v1/trainings/${encodeURIComponent(params.id)}`, { signal }).then(
    (training) => names.then(() => signal.aborted || show(body, training, signal)),
    (error) => signal.aborted || showProblem(body, "This training cannot be shown", error),
  );
  return { title: "Training", section: "trainings", body, loaded };
}

function show(body, training, signal) {
  const head = headPart(training);
  const actions = trainingActions({ training, heading: head.heading, onTraining: update });
  const outcome = outcomePart({ signal, onTraining: update });
  const progress = progressCard(actions.said);
  const log = logCard(training);
  const about = aboutCard();
  const story = storyView(training.id, signal);
  let now = training;
  let following = null;

  fill(body, h("div.page-head", {}, head.element, actions.element), outcome.element, progress.element,
    h("div.training", {}, log.element, about.element),
    h("section.card.story-card", { "aria-label": "Story" }, story.element));

  function update(next) {
    const before = now;
    now = next;
    draw();
    if (next.history.length !== before.history.length) story.refresh();
    announceChange(before, next);
    if (isEnded(before) && !isEnded(next)) start();
  }

  function draw() {
    for (const part of [head, log, outcome, progress, about, actions]) part.show(now);
  }

  function start() {
    following?.abort();
    following = new AbortController();
    follow(now.id, {
      signal: AbortSignal.any([signal, following.signal]), onTraining: update, onLog: log.add, onConnection: progress.connected,
      onProblem: (error) => toast(sentenceOf(error)),
    });
  }

  draw();
  start();
  const clock = setInterval(progress.tick, CLOCK_MS);
  signal.addEventListener("abort", () => clearInterval(clock));
}

function announceChange(before, next) {
  if (next.stage !== before.stage && next.stage) announce(doing(next));
  if (isEnded(before) || !isEnded(next)) return;
  announce(`${next.model_name}: ${statusOf(next).word}`);
  notifyEnd(next);
}

/** The model's name with where its training stands, which is also the title of the tab. */
function headPart({ model_name: name }) {
  const state = h("span");
  const heading = h("h1", { tabindex: "-1" }, name, " ", state);

  function show(training) {
    const { word, tone } = statusOf(training);
    const percent = percentOf(training);
    setTitle(`${percent === null ? word : `${Math.floor(percent)} %`}, ${training.model_name}`);
    if (state.dataset.word !== word) fill(state, pill(word, tone)).dataset.word = word;
  }

  return { element: h("div", {}, breadcrumb(["Trainings", "/trainings"]), heading), heading, show };
}

/** How it ended, as soon as it has; drawn anew only where that differs, so that it stays as one left it. */
function outcomePart({ signal, onTraining }) {
  const element = h("div", { "aria-live": "polite" });

  function show(training) {
    const { status, error, model_id, cost_usd, recoverable } = training;
    const drawn = isEnded(training) ? `${status} ${error?.code} ${model_id} ${cost_usd} ${recoverable}` : "";
    if (element.dataset.drawn === drawn) return;
    element.dataset.drawn = drawn;
    fill(element, isEnded(training) ? outcomeCard({ training, signal, onTraining }) : null);
  }

  return { element, show };
}

/** Its log, with the way to the whole of it. */
function logCard({ id }) {
  const log = logView();
  const whole = h("a", { href: `/v1/trainings/${encodeURIComponent(id)}/log`, target: "_blank", rel: "noopener", hidden: true }, "Whole log");
  const head = h("div.section-head", {}, h("h2", { id: "log-title" }, "Log"), whole);

  function show(training) {
    whole.hidden = !training.log_count;
    if (isEnded(training)) log.end();
  }

  return { element: h("section.card.log-card", { "aria-labelledby": "log-title" }, head, log.element), add: log.add, show };
}

/** Its facts, and what fal.ai was sent: that is drawn anew only where it differs, so that it stays open. */
function aboutCard() {
  const known = h("div");
  const sent = h("div");

  function show(training) {
    fill(known, trainingFacts(training));
    const drawn = JSON.stringify([training.sent, training.delivered]);
    if (sent.dataset.drawn === drawn) return;
    const open = sent.firstChild?.open ?? false;
    sent.dataset.drawn = drawn;
    fill(sent, exchange(training));
    if (sent.firstChild) sent.firstChild.open = open;
  }

  return { element: h("aside.card", { "aria-label": "About this training" }, known, sent), show };
}
