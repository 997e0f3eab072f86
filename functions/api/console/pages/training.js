/** One training, live: where it stands, why it waits, what it says, and how it ended. */

import { get, ifThere, request } from "../lib/api.js";
import { fill, h, setText } from "../lib/dom.js";
import { follow } from "../lib/live.js";
import { notifyButton, notifyEnd } from "../lib/notify.js";
import { go, setTitle } from "../lib/router.js";
import { STAGES, cancelSentence, doing, etaWords, isEnded, percentOf, statusOf, stepWords, waitSentence } from "../lib/stages.js";
import { trainers } from "../lib/trainers.js";
import { announce, breadcrumb, busy, notice, pill, sentenceOf, showProblem, skeletons, toast } from "../lib/ui.js";
import { logView } from "../parts/log_view.js";
import { cancel, outcomeCard } from "../parts/outcome.js";
import { eraseButton } from "../parts/erase.js";
import { stepper } from "../parts/stepper.js";
import { storyView } from "../parts/story.js";
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
  const view = parts(training);
  const log = logView();
  const stages = stepper();
  const story = storyView(training.id, signal);
  let now = training;
  let received = performance.now();
  let following = null;

  fill(body, view.head, view.outcome,
    h("section.card.stage-card", { "aria-label": "Progress" }, stages.element, view.now),
    h("div.training", {},
      h("section.card.log-card", { "aria-labelledby": "log-title" }, view.logHead, log.element),
      h("aside.card", { "aria-label": "About this training" }, view.facts, view.exchange)),
    h("section.card.story-card", { "aria-label": "Story" }, story.element));

  function update(next) {
    const before = now;
    now = next;
    received = performance.now();
    draw();
    if (next.history.length !== before.history.length) story.refresh();
    if (next.stage !== before.stage && next.stage) announce(doing(next));
    if (!isEnded(before) && isEnded(next)) {
      announce(`${next.model_name}: ${statusOf(next).word}`);
      notifyEnd(next);
    }
    if (isEnded(before) && !isEnded(next)) start();
  }

  function draw() {
    const { word, tone } = statusOf(now);
    const percent = percentOf(now);
    setTitle(`${percent === null ? word : `${Math.floor(percent)} %`}, ${now.model_name}`);
    if (view.state.dataset.word !== word) fill(view.state, pill(word, tone)).dataset.word = word;
    view.whole.hidden = !now.log_count;
    if (isEnded(now)) log.end();
    drawOutcome();
    drawBar(view, now, percent);
    fill(view.facts, trainingFacts(now));
    drawExchange();
    view.wait.replaceChildren(...hindrance(now));
    for (const button of [view.cancel, view.check, view.notify]) if (button) hide(button, isEnded(now));
    view.erase.hidden = !isEnded(now);
    if (now.cancel_requested_at && !isEnded(now)) showCancelAsked();
    tick();
  }

  function drawOutcome() {
    const drawn = isEnded(now) ? `${now.status} ${now.error?.code} ${now.model_id} ${now.cost_usd} ${now.recoverable}` : "";
    if (view.outcome.dataset.drawn === drawn) return;
    view.outcome.dataset.drawn = drawn;
    fill(view.outcome, isEnded(now) ? outcomeCard({ training: now, signal, onTraining: update }) : null);
  }

  /** Drawn anew only where it differs, so that it stays open. */
  function drawExchange() {
    const drawn = JSON.stringify([now.sent, now.delivered]);
    if (view.exchange.dataset.drawn === drawn) return;
    const open = view.exchange.firstChild?.open ?? false;
    view.exchange.dataset.drawn = drawn;
    fill(view.exchange, exchange(now));
    if (view.exchange.firstChild) view.exchange.firstChild.open = open;
  }

  function showCancelAsked() {
    hide(view.cancel, true);
    if (!view.asked.firstChild) fill(view.asked, notice("note", null, "fal.ai has been asked to stop. It may take a moment, or finish first."));
  }

  /** The focus of a button that goes is taken over by the heading, which says where the training stands. */
  function hide(button, hidden) {
    if (hidden && document.activeElement === button) view.heading.focus();
    button.hidden = hidden;
  }

  function tick() {
    const passed = isEnded(now) ? 0 : (performance.now() - received) / 1000;
    stages.show(now, passed);
    setText(view.eta, etaWords(now, passed));
  }

  function start() {
    following?.abort();
    following = new AbortController();
    const both = AbortSignal.any([signal, following.signal]);
    follow(now.id, {
      signal: both, onTraining: update, onLog: log.add,
      onConnection: (there) => (view.lost.hidden = there),
      onProblem: (error) => toast(sentenceOf(error)),
    });
  }

  view.check.addEventListener("click", () => busy(view.check, "Checking", () => check(now, update)));
  view.cancel.addEventListener("click", async () => {
    try {
      const outcome = await cancel(now, cancelSentence(now));
      if (!outcome) return;
      fill(view.asked, notice(outcome.outcome === "too_late" ? "warn" : "note", null, outcome.message));
      if (outcome.training) update(outcome.training);
    } catch (error) {
      fill(view.asked, notice("bad", null,
        error.isMissing ? "This installation cannot cancel a training yet: it will run to its end." : sentenceOf(error)));
    }
  });
  draw();
  start();
  const clock = setInterval(tick, CLOCK_MS);
  signal.addEventListener("abort", () => clearInterval(clock));
}

function parts(training) {
  const state = h("span");
  const bar = h("div.bar", { role: "progressbar", "aria-label": "Training progress", "aria-valuemin": 0, "aria-valuemax": 100 }, h("div.bar-fill"));
  const view = {
    state, bar,
    doing: h("p.doing"), percent: h("span.percent"), step: h("span"), eta: h("span"),
    wait: h("div", { "aria-live": "polite" }), asked: h("div", { "aria-live": "polite" }),
    outcome: h("div", { "aria-live": "polite" }), facts: h("div"), exchange: h("div"),
    cancel: h("button.quiet.small", { type: "button" }, "Cancel"),
    check: h("button.quiet.small", { type: "button" }, "Check now"),
    notify: notifyButton(),
    erase: eraseButton({ subject: "training", id: training.id, what: () => `this training of ${training.model_name}`, onDone: () => go("/trainings") }),
    lost: h("div", { hidden: true }, notice("warn", "Connection lost", "Trying again. The training goes on meanwhile, and this page will catch up.")),
    whole: h("a", { href: `/v1/trainings/${encodeURIComponent(training.id)}/log`, target: "_blank", rel: "noopener", hidden: true }, "Whole log"),
  };
  const buttons = h("div.actions", {}, view.notify, view.check, view.cancel, view.erase);
  view.logHead = h("div.section-head", {}, h("h2", { id: "log-title" }, "Log"), view.whole);
  view.heading = h("h1", { tabindex: "-1" }, training.model_name, " ", state);
  view.head = h("div.page-head", {}, h("div", {}, breadcrumb(["Trainings", "/trainings"]), view.heading), buttons);
  view.now = h("div.now", {}, h("div.now-words", {}, view.doing, view.percent), bar,
    h("div.now-foot", {}, view.step, view.eta), view.wait, view.asked, view.lost);
  return view;
}

function drawBar(view, training, percent) {
  const ended = isEnded(training);
  view.bar.parentElement.classList.toggle("ended", ended);
  setText(view.doing, ended ? "" : `${doing(training)}.`);
  setText(view.percent, percent === null ? "" : `${Math.floor(percent)} %`);
  setText(view.step, stepWords(training));
  const index = STAGES.findIndex(({ id }) => id === training.stage);
  view.bar.hidden = ended;
  view.bar.classList.toggle("unknown", percent === null && !ended);
  view.bar.firstChild.style.setProperty("width", `${percent ?? (index > 3 ? 100 : 0)}%`);
  view.bar.setAttribute("aria-valuetext", percent === null ? doing(training) : `${Math.floor(percent)} %, ${stepWords(training)}`);
  if (percent === null) view.bar.removeAttribute("aria-valuenow");
  else view.bar.setAttribute("aria-valuenow", String(Math.floor(percent)));
}

function hindrance(training) {
  if (!training.hindrance || isEnded(training)) return [];
  return [notice("warn", "Waiting because", `${training.hindrance.message} ${waitSentence(training.hindrance)}`)];
}

async function check(training, update) {
  const id = encodeURIComponent(training.id);
  try {
    const checked = await ifThere(request("POST", `/v1/trainings/${id}/check`));
    update(checked ?? (await get(`/v1/trainings/${id}`)));
    toast("Checked just now.");
  } catch (error) {
    toast(sentenceOf(error));
  }
}
