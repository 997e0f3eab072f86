/** The page of the API: every operation by what it is about, to be read, searched and linked to. */

import { fill, h, icon, setText } from "../lib/dom.js";
import { facts, notice, skeletons } from "../lib/ui.js";
import { operationBox } from "./operation.js";
import { prose } from "./schema.js";
import { chapters } from "./spec.js";

const main = document.getElementById("main");
const where = { origin: location.origin, bearer: document.documentElement.dataset.signIn === "bearer" };

async function start() {
  fill(main, h("div.page", {}, h("h1", {}, "API"), h("div.stack", {}, skeletons(6, "row-skeleton", "Loading the API"))));
  try {
    const answer = await fetch("/openapi.json", { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    show(await answer.json());
  } catch (error) {
    console.warn(error);
    const again = h("button", { type: "button", on: { click: start } }, "Try again");
    fill(main, h("div.page.narrow", {}, h("h1", {}, "API"), notice("bad", null, "The description of the API does not come: check the connection, then try again.", again)));
  }
}

function show(spec) {
  const parts = chapters(spec).map(({ tag, operations }) => chapter(spec, tag, operations));
  const found = h("p.row-sub", { role: "status" });
  const search = h("input", { type: "search", name: "search", placeholder: "Path, words or a name", autocomplete: "off" });
  const index = h("nav.docs-index", { "aria-label": "What the API is about" }, h("ul", {}, parts.map((part) => part.link)));
  search.addEventListener("input", () => {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const count = parts.reduce((sum, part) => sum + part.narrow(terms), 0);
    const words = count === 1 ? "1 operation" : `${count} operations`;
    setText(found, terms.length ? (count ? `${words} found.` : "Nothing found: try fewer letters, or another word.") : "");
  });
  fill(main, h("div.page", {},
    h("div.page-head.docs-head", {}, h("div", {}, h("h1", {}, "API"), h("div.lead", {}, prose(spec.info.description ?? ""))),
      h("label.search", {}, icon("search"), h("span.visually-hidden", {}, "Search operations"), search)),
    h("section.card.docs-about", { "aria-label": "How to ask" }, about(spec)),
    h("div.docs", {}, index, h("div.docs-main", {}, found, parts.map((part) => part.element)))));
  openNamed();
  window.addEventListener("hashchange", openNamed);
}

function about({ info, components = {} }) {
  const ways = Object.values(components.securitySchemes ?? {}).map(({ description }) => description).filter(Boolean);
  return facts(["Address", h("code", {}, where.origin)], ["Version", info.version], ["Signing in", ways.join(" ")],
    ["For programs", h("a", { href: "/openapi.json" }, "/openapi.json")]);
}

/** A chapter with its link; `narrow` leaves what has all the terms, and gives how many that are. */
function chapter(spec, tag, operations) {
  const title = tag.charAt(0).toUpperCase() + tag.slice(1);
  const boxes = operations.map((operation) => ({ operation, box: operationBox(spec, operation, where) }));
  const element = h("section", { "aria-labelledby": `about-${tag}` }, h("h2", { id: `about-${tag}` }, title), boxes.map(({ box }) => box));
  const link = h("li", {}, h("a", { href: `#about-${tag}` }, title, h("span.row-sub", {}, ` ${operations.length}`)));
  for (const { operation, box } of boxes) {
    box.firstChild.addEventListener("click", () => history.replaceState(null, "", box.open ? location.pathname : `#${operation.id}`));
  }
  function narrow(terms) {
    for (const { operation, box } of boxes) box.hidden = !terms.every((term) => operation.text.includes(term));
    const count = boxes.filter(({ box }) => !box.hidden).length;
    element.hidden = count === 0;
    link.hidden = count === 0;
    return count;
  }
  return { element, link, narrow };
}

/** From an address that names an operation. */
function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!named) return;
  if (named.matches("details")) named.open = true;
  named.scrollIntoView();
}

void start();
