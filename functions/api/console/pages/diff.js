/** Two models side by side: what they were made of, how, and for how much. */

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { ago, count, modelTitle, moment, money } from "../lib/format.js";
import { setTitle } from "../lib/router.js";
import { trainers } from "../lib/trainers.js";
import { breadcrumb, pill, showProblem, skeletons, time } from "../lib/ui.js";
import { changesOf, filesPart } from "../parts/differences.js";
import { weightsWords } from "../parts/outcome.js";

/** The page. `?against={model}` names the other one; by default it is the one that it grew from. */
export function diffPage({ params, query, signal }) {
  const path = `/models/${encodeURIComponent(params.id)}`;
  const body = h("div.page", {},
    h("div.page-head", {}, h("div", {}, breadcrumb(["The model", path]), h("h1", {}, h("span.skeleton.line")))),
    h("div.card", {}, skeletons(1, "facts-skeleton", "Comparing the models")));
  const loaded = load(path, query.get("against"), signal).then(
    (found) => signal.aborted || show(body, found),
    (error) => signal.aborted || showProblem(body, "These models cannot be compared", error),
  );
  return { title: "Compare", section: "models", body, loaded };
}

async function load(path, against, signal) {
  const [found] = await Promise.all([get(`/v1${path}/diff`, { query: { against }, signal }), trainers(signal).catch(() => null)]);
  return found;
}

function show(body, { before, after, difference }) {
  setTitle(`${named(after)} against ${named(before)}`);
  fill(body,
    h("div.page-head", {}, h("div", {},
      breadcrumb([named(after), `/models/${encodeURIComponent(after.model.id)}`]),
      h("h1", {}, `${named(after)} against ${named(before)}`))),
    h("div.stack", {},
      h("section.card", { "aria-labelledby": "sides-title" }, h("h2", { id: "sides-title" }, "Side by side"),
        h("div.table-scroll", { tabindex: "0", role: "region", "aria-labelledby": "sides-title" }, sidesTable(before, after, difference))),
      h("section.card", { "aria-labelledby": "dataset-title" }, h("h2", { id: "dataset-title" }, "Dataset"), filesPart(difference))));
}

function sidesTable(before, after, difference) {
  const sides = [before, after];
  const changes = changesOf(difference, after.model.trainer);
  const head = h("tr", {}, h("th", { scope: "col" }, h("span.visually-hidden", {}, "What")), sides.map((side) =>
    h("th", { scope: "col" }, h("a", { href: `/models/${encodeURIComponent(side.model.id)}` }, named(side)),
      side.current ? [" ", pill("current", "good")] : null)));
  const rows = [
    ["Trained", ...sides.map(({ model }) => time(model.trained_at, ago(model.trained_at), moment(model.trained_at)))],
    ["Begun", ...sides.map(({ model }) => begun(model))],
    ["Dataset", ...sides.map(({ dataset }) => (dataset ? `${count(dataset.pictures, "picture")}, ${count(dataset.captions, "caption")}` : "not known"))],
    ["Cost", ...sides.map(({ model }) => (typeof model.cost_usd === "number" ? money(model.cost_usd) : "not known"))],
    ["Weights", ...sides.map(({ model }) => weightsWords(model.files[0]))],
  ];
  return h("table.sides", {}, h("thead", {}, head), h("tbody", {},
    rows.map(([name, ...cells]) => row(name, cells)),
    changes.map(({ label, before: old, after: now }) => row(label, [old, now], ".differs")),
    changes.length ? null : row("Settings", ["the same", "the same"])));
}

function named({ model }) {
  return `${modelTitle(model)} v${model.version}`;
}

function row(name, cells, kind = "") {
  return h(`tr${kind}`, {}, h("th", { scope: "row" }, name), cells.map((cell) => h("td", {}, cell)));
}

function begun(model) {
  return model.continues ? "with its parent's weights" : "afresh";
}
