/** Real paths without page loads: which page is shown, where it is scrolled to, and where the focus is. */

import { fill } from "./dom.js";
import { problemPage } from "./ui.js";

const SCROLL_SAVE_MS = 120;

/**
 * Show pages for paths.
 *
 * A page is a function of `{params, query, signal}`; it gives `{title, section, body, loaded?}` at once, with
 * skeletons where it still waits. `signal` is aborted when it is left; `loaded` is awaited before scrolling back.
 * @param {{pattern: string, page: Function}[]} routes patterns such as "/shoots/:id"
 * @param {HTMLElement} main
 */
export function startRouter(routes, main) {
  let leaving = new AbortController();
  history.scrollRestoration = "manual";

  async function show({ first = false, scroll = 0 } = {}) {
    leaving.abort();
    leaving = new AbortController();
    const { signal } = leaving;
    const { page, params } = find(routes, location.pathname);
    const shown = page({ params, query: new URLSearchParams(location.search), signal });
    fill(main, shown.body);
    setTitle(shown.title);
    markSection(shown.section);
    if (!first) focusHeading(main);
    window.scrollTo(0, 0);
    await Promise.resolve(shown.loaded).catch(() => {});
    // what came may have replaced the heading, and taken the focus away with it
    if (!first && !signal.aborted && document.activeElement === document.body) focusHeading(main);
    if (scroll && !signal.aborted) window.scrollTo(0, scroll);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || !isPlainClick(event) || !isOurs(link, routes)) return;
    event.preventDefault();
    if (link.href !== location.href) history.pushState({}, "", link.href);
    void show();
  });
  window.addEventListener("popstate", (event) => void show({ scroll: event.state?.scroll }));
  window.addEventListener("costumes:go", () => void show());
  window.addEventListener("scroll", debounced(() => remember({ scroll: window.scrollY }), SCROLL_SAVE_MS), { passive: true });
  void show({ first: true, scroll: history.state?.scroll });
}

/** Go to another page of the console. */
export function go(path, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"]({}, "", path);
  window.dispatchEvent(new Event("costumes:go"));
}

/** Keep something about this page for when one comes back or reloads. */
export function remember(facts) {
  history.replaceState({ ...history.state, ...facts }, "");
}

/** What `remember` kept. */
export function remembered(name) {
  return history.state?.[name];
}

/** Show `changes` in the address without leaving the page; empty values leave it. */
export function setQuery(changes) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  history.replaceState(history.state, "", url);
}

/** The document's title, with the product's name behind it. */
export function setTitle(title) {
  const whole = title ? `${title} – Costumes LoRA` : "Costumes LoRA";
  if (document.title !== whole) document.title = whole;
}

function find(routes, path) {
  for (const { pattern, page } of routes) {
    const params = match(pattern, path);
    if (params) return { page, params };
  }
  return { page: () => problemPage("There is no such page", "The address leads nowhere: start from your shoots."), params: {} };
}

function match(pattern, path) {
  const wanted = pattern.split("/");
  const given = path.replace(/(.)\/$/, "$1").split("/");
  if (wanted.length !== given.length) return null;
  const params = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith(":") && given[index]) params[part.slice(1)] = decoded(given[index]);
    else if (part !== given[index]) return null;
  }
  return params;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function isPlainClick(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

function isOurs(link, routes) {
  if (link.origin !== location.origin || link.hasAttribute("download") || link.target) return false;
  if (link.getAttribute("href").startsWith("#")) return false;
  return routes.some(({ pattern }) => match(pattern, link.pathname));
}

function markSection(section) {
  for (const link of document.querySelectorAll("nav a[data-section]")) {
    if (link.dataset.section !== section) link.removeAttribute("aria-current");
    else {
      link.setAttribute("aria-current", "page");
      // on a narrow phone the sections scroll
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }
}

/** Put the focus where the page begins, also where what had it is gone. */
export function focusHeading(main = document.getElementById("main")) {
  const heading = main.querySelector("h1");
  if (heading) heading.tabIndex = -1;
  (heading ?? main).focus({ preventScroll: true });
}

function debounced(act, ms) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, ms);
  };
}
