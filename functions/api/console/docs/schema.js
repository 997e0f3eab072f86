/** Schemas for people: the members of an object, with what each has to be. */

import { h } from "../lib/dom.js";
import { boundWords, objectIn, typeWords } from "./spec.js";

/** The members of what a schema is about; objects among them are drawn when they are opened. */
export function members(document, schema) {
  const found = objectIn(document, schema);
  if (!found) return h("p", {}, typeAndBounds(document, schema));
  const required = new Set(found.schema.required ?? []);
  const rows = Object.entries(found.schema.properties).map(([name, member]) => memberRow(document, name, member, required.has(name)));
  return h("div", {}, prose(found.schema.description ?? ""), h("dl.members", {}, rows));
}

function memberRow(document, name, schema, isRequired) {
  const inner = objectIn(document, schema);
  return h("div", {}, h("dt", {}, h("code", {}, name), isRequired ? null : h("span.row-sub", {}, " optional")),
    h("dd", {}, typeAndBounds(document, schema), prose(schema.description ?? ""), inner ? closed(document, schema, inner.name) : null));
}

function closed(document, schema, name) {
  const box = h("details.more", {}, h("summary", {}, name));
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(members(document, schema));
  });
  return box;
}

/** "integer, 1 to 100; 20 where it is left out". */
export function typeAndBounds(document, schema) {
  const bounds = boundWords(document, schema);
  return h("span.type", {}, typeWords(document, schema), bounds ? `, ${bounds}` : "");
}

/** Text with its `code`, a paragraph for each; nothing for none. */
export function prose(text) {
  const paragraphs = text.split(/\n\s*\n/).filter((each) => each.trim());
  if (!paragraphs.length) return null;
  return paragraphs.map((each) => h("p", {}, each.split("`").map((piece, index) => (index % 2 ? h("code", {}, piece) : piece))));
}
