/** All trainings, newest first. */

import { get } from "../lib/api.js";
import { fill, h, keyed } from "../lib/dom.js";
import { ago, duration, moment, number } from "../lib/format.js";
import { every, pagedList } from "../lib/paged_list.js";
import { remember, setQuery } from "../lib/router.js";
import { etaWords, isEnded, percentOf, statusOf } from "../lib/stages.js";
import { emptyState, pill, skeletons, time } from "../lib/ui.js";

const PAGE = 20;
const REFRESH_MS = 4_000;
const FILTERS = [
  ["", "All"], ["running", "Training"], ["submitted", "Queued"], ["succeeded", "Done"], ["failed", "Failed"], ["canceled", "Canceled"],
];

/** The list; `?status=` filters it. */
export function trainingsPage({ query, signal }) {
  let status = FILTERS.some(([id]) => id === query.get("status")) ? query.get("status") : "";
  const rows = h("ul.rows", {}, skeletons(5, "row-skeleton", "Loading your trainings"));
  const list = pagedList({
    container: rows,
    signal,
    load: (cursor) => get("/v1/trainings", { query: { limit: PAGE, cursor, status }, signal }),
    show: (trainings) => showRows(rows, status ? trainings.filter((training) => training.status === status) : trainings, status),
  });
  const filter = filterField(status, (chosen) => {
    status = chosen;
    setQuery({ status });
    remember({ pages: 1 });
    void list.start();
  });
  every(REFRESH_MS, list.refresh, signal);
  const head = h("div.page-head", {}, h("h1", {}, "Trainings"));
  return { title: "Trainings", section: "trainings", body: h("div.page", {}, head, filter, rows, list.foot), loaded: list.start() };
}

function filterField(chosen, choose) {
  const options = FILTERS.map(([id, title]) => {
    const input = h("input", { type: "radio", name: "status", value: id, checked: id === chosen });
    input.addEventListener("change", () => choose(id));
    return h("label.chip", {}, input, h("span", {}, title));
  });
  return h("fieldset.chips", {}, h("legend.visually-hidden", {}, "Status"), options);
}

function showRows(rows, trainings, status) {
  if (trainings.length) return keyed(rows, trainings.map(shown), (item) => item.training.id, drawRow);
  const none = status
    ? emptyState("Nothing here", "No training of yours is in this state.")
    : emptyState("No trainings yet", "A training begins at a shoot.", h("a.button", { href: "/" }, "Choose a shoot"));
  rows._keyed = null;
  return fill(rows, h("li.whole", {}, none));
}

/** The training with its age, so that the row is redrawn when what it says changes. */
function shown(training) {
  return { training, age: ago(training.created_at) };
}

function drawRow({ training, age }, before) {
  const row = before ?? h("li", {}, h("a.row", { href: `/trainings/${training.id}` }));
  const { word, tone } = statusOf(training);
  const seconds = Object.values(training.stages ?? {}).reduce((sum, part) => sum + part, 0);
  fill(row.firstChild,
    h("span.row-name", {}, h("strong", {}, training.model_name), h("span.row-sub", {}, subtitle(training))),
    h("span.row-state", {}, pill(word, tone)),
    h("span.row-progress", {}, isEnded(training) ? `took ${duration(seconds)}` : progress(training)),
    h("span.row-age", {}, time(training.created_at, age, moment(training.created_at))));
  return row;
}

function subtitle(training) {
  if (training.status === "failed" && training.error) return training.error.message;
  const steps = training.parameters?.steps;
  return [training.person_id, training.trigger_word, steps ? `${number(steps)} steps` : null].filter(Boolean).join(", ");
}

function progress(training) {
  const percent = percentOf(training);
  if (percent === null) return training.hindrance ? "waiting" : "";
  const bar = h("span.bar.thin", { "aria-hidden": "true" }, h("span.bar-fill"));
  bar.firstChild.style.setProperty("width", `${percent}%`);
  const left = etaWords(training);
  return [bar, h("span", {}, `${Math.floor(percent)} %${left ? `, ${left}` : ""}`)];
}
