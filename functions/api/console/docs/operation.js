/** One operation: closed, its line; open, what it takes and answers and how to ask for it. */

import { h } from "../lib/dom.js";
import { command } from "../lib/ui.js";
import { members, prose, typeAndBounds } from "./schema.js";
import { bodyExample, curlOf, exampleOf, objectIn, typeWords } from "./spec.js";

const PROBLEM = "application/problem+json";

/**
 * The element; what is in it is drawn when it is opened first.
 * @param {Object} document
 * @param {Object} operation
 * @param {{origin: string, bearer: boolean}} where how it is asked for
 */
export function operationBox(document, operation, where) {
  const line = h("summary", {}, h(`span.method.${operation.method}`, {}, operation.method.toUpperCase()),
    h("code.op-path", {}, operation.path), h("span.op-title", {}, operation.title));
  const box = h("details.operation", { id: operation.id }, line);
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(inside(document, operation, where));
  });
  return box;
}

function inside(document, operation, where) {
  const { description, parameters, body, answers } = operation;
  return h("div.op-inside", {},
    prose(description),
    parameters.length ? part("Parameters", h("dl.members", {}, parameters.map((parameter) => parameterRow(document, parameter)))) : null,
    body ? part("Body", h("p.help", {}, body.type), members(document, body.schema), example(bodyExample(document, body.schema))) : null,
    part("Answers", answers.map((answer) => answerPart(document, answer))),
    part("With curl", command(curlOf(document, operation, where))));
}

function part(title, ...children) {
  return h("section", {}, h("h4", {}, title), children);
}

function parameterRow(document, { name, in: place, required, description, schema }) {
  return h("div", {}, h("dt", {}, h("code", {}, name), h("span.row-sub", {}, ` in the ${place}${required ? ", required" : ""}`)),
    h("dd", {}, typeAndBounds(document, schema), prose(description ?? schema.description ?? "")));
}

/** What is answered; a problem is what any operation may answer. */
function answerPart(document, { status, words, type, schema }) {
  const said = words === "Successful Response" ? null : prose(words);
  const shown = schema && objectIn(document, schema);
  const kind = type === PROBLEM ? "a problem" : schema ? typeWords(document, schema) : null;
  const head = [h("strong", {}, status), h("span.row-sub", {}, [kind && kind !== "anything" ? kind : null, type].filter(Boolean).join(", ") || "without a body, or as it is described above")];
  if (!shown) return h("div.answer", {}, h("p.answer-head", {}, head), said);
  const more = h("details.more.answer", {}, h("summary.answer-head", {}, head), said);
  more.addEventListener("toggle", () => {
    if (more.open && !more.querySelector("dl")) more.append(members(document, schema), example(exampleOf(document, schema)));
  });
  return more;
}

function example(value) {
  return h("div.exchange", {}, h("h5", {}, "For example"), h("pre", { tabindex: "0" }, JSON.stringify(value, null, 2)));
}
