/** What there is of whom, what is deleted by itself soon, and the receipts of what was deleted. */

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { ago, bytes, count, moment } from "../lib/format.js";
import { emptyState, pill, showProblem, skeletons, time } from "../lib/ui.js";
import { eraseButton, showReceipt } from "../parts/erase.js";

const RECEIPTS = 50;
const SUBJECTS = { model: "A model", training: "A training", images: "Pictures", person: "Everything of a person" };
// of what a receipt tells, what says most shortly what it was
const THINGS = {
  shoot: "shoot", shoot_files: "shoot file", training: "training", archives: "ZIP", model: "model", model_files: "model file", images: "picture set", pictures: "picture",
};

/** The page of one's own data. */
export function dataPage({ signal }) {
  const parts = h("div.stack", {}, skeletons(3, "row-skeleton", "Loading your data"));
  const lead = "What there is of each person, and what was deleted. Before you delete anything, you are shown all that goes; what is deleted by itself stands below.";
  const heading = h("h1", { tabindex: "-1" }, "Your data");
  const body = h("div.page", {}, h("div.page-head", {}, h("div", {}, heading, h("p.lead", {}, lead))), parts);
  const load = () => Promise.all([
    get("/v1/people", { signal }), get("/v1/erasures/due", { signal }), get("/v1/erasures", { query: { limit: RECEIPTS }, signal }),
  ]).then(
    ([people, due, erasures]) => signal.aborted || show(parts, { people, due, erasures }, again),
    (error) => signal.aborted || showProblem(body, "Your data cannot be shown", error),
  );
  // the button that was pressed goes with its row
  const again = () => load().then(() => signal.aborted || heading.focus());
  return { title: "Your data", section: "data", body, loaded: load() };
}

function show(parts, { people, due, erasures }, again) {
  fill(parts,
    card("people", "People", people.items.length
      ? h("ul.rows", {}, people.items.map((person) => personRow(person, again)))
      : emptyState("Nobody yet", "You have no shoots, trainings or models.")),
    card("due", "Deleted by itself soon", dueList(due)),
    card("receipts", "Receipts", erasures.items.length
      ? [h("p.help", {}, "A receipt holds ids and numbers, and no names: what it tells of is forgotten."), h("ul.rows", {}, erasures.items.map(receiptRow))]
      : h("p.help", {}, "Nothing was deleted yet.")));
}

function card(id, title, content) {
  return h("section.card", { "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), content);
}

function personRow(person, again) {
  const counted = [["shoot", person.shoots], ["training", person.trainings], ["model", person.models], ["picture set", person.images]];
  const there = counted.filter(([, number]) => number).map(([noun, number]) => count(number, noun)).join(", ");
  return h("li.data-row", {}, h("span.row-name", {}, h("strong", {}, person.id), h("span.row-sub", {}, there)),
    eraseButton({ subject: "person", id: person.id, what: () => `everything of ${person.id}`, listed: true, onDone: again }));
}

function dueList(due) {
  if (!due.kept_days) return h("p.help", {}, "Nothing: trainings and pictures are kept until you delete them. Models always are.");
  const kept = `What failed or was canceled is kept for ${count(due.kept_days, "day")}, models and pictures until you delete them.`;
  if (!due.items.length) return h("p.help", {}, `Nothing within a week. ${kept}`);
  const rows = due.items.map((item) => h("li.data-row", {},
    item.training_id ? h("a", { href: `/trainings/${item.training_id}` }, `Training of ${item.model_name}`) : `Pictures of ${item.model_name}`,
    h("span.row-sub", {}, "on ", time(item.due_at, moment(item.due_at), item.due_at))));
  return [h("p.help", {}, kept), h("ul.rows", {}, rows)];
}

function receiptRow(erasure) {
  const done = erasure.state === "done";
  const button = h("button.quiet.small", { type: "button", "aria-label": `Receipt ${erasure.id}` }, "Receipt");
  button.addEventListener("click", () => showReceipt(erasure));
  const why = erasure.cause === "retention" ? "its time had come, " : "";
  return h("li.data-row", {},
    h("span.row-name", {}, h("strong", {}, SUBJECTS[erasure.subject]),
      h("span.row-sub", {}, amounts(erasure.deleted), why, time(erasure.requested_at, ago(erasure.requested_at), moment(erasure.requested_at))),
      erasure.subject_id ? h("code.row-sub", {}, erasure.subject_id) : null,
      erasure.hindrance ? h("span.row-sub", {}, erasure.hindrance) : null),
    done ? button : pill("Being deleted", "active"));
}

/** "1 training, 3 model files, 591 kB, "; nothing where nothing was deleted. */
function amounts(deleted) {
  const counted = Object.keys(THINGS).map((what) => [THINGS[what], deleted.find((line) => line.what === what)?.count]);
  const size = deleted.reduce((sum, line) => sum + line.size, 0);
  const parts = [...counted.filter(([, number]) => number).map(([noun, number]) => count(number, noun)), size ? bytes(size) : null];
  return parts.filter(Boolean).map((part) => `${part}, `).join("");
}
