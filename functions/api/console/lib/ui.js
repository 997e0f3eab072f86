/** The pieces that pages are made of. */

import { fill, h, icon, safeUrl } from "./dom.js";

/** A coloured pill that says a state, in words or elements; `tone` is good, bad, active or quiet. */
export function pill(word, tone) {
  return h(`span.pill.${tone}`, {}, tone === "active" ? h("span.pulse", { "aria-hidden": "true" }) : null, word);
}

/** Where one is: links to the pages above. */
export function breadcrumb(...links) {
  const items = links.map(([title, path]) => h("li", {}, h("a", { href: path }, title)));
  return h("nav.crumbs", { "aria-label": "Breadcrumb" }, h("ol", {}, items));
}

/** A picture in a box of a fixed shape: a quiet tile while it loads and where there is none. */
export function thumbnail(url, alt, { shape = "square", eager = false } = {}) {
  const box = h(`div.thumb.${shape}`, {}, icon("picture"));
  const source = safeUrl(url);
  if (!source) return box;
  const image = h("img", { src: source, alt, loading: eager ? "eager" : "lazy", decoding: "async" });
  image.addEventListener("load", () => box.classList.add("loaded"));
  image.addEventListener("error", () => image.remove());
  if (image.complete && image.naturalWidth) box.classList.add("loaded");
  box.append(image);
  return box;
}

/** `count` grey boxes of a class while something is on its way; one sentence for screen readers. */
export function skeletons(count, kind, label = "Loading") {
  const boxes = Array.from({ length: count }, () => h(`div.skeleton.${kind}`, { "aria-hidden": "true" }));
  return [h("p.visually-hidden", { role: "status" }, label), ...boxes];
}

/** Nothing there yet, and how to change that. */
export function emptyState(title, sentence, ...more) {
  return h("div.empty", {}, h("h2", {}, title), h("p", {}, sentence), ...more);
}

/** A command that can be copied. */
export function command(text) {
  const done = h("span", {}, "Copy");
  const button = h("button.quiet.small", { type: "button", "aria-label": "Copy the command" }, icon("copy"), done);
  button.addEventListener("click", async () => {
    done.textContent = (await copied(text)) ? "Copied" : "Select it";
    setTimeout(() => (done.textContent = "Copy"), 2000);
  });
  return h("div.command", {}, h("code", { tabindex: "0" }, text), button);
}

/** Text that can be copied with one press; `tag` is the element that it stands in. */
export function copyable(text, label, tag = "code") {
  const button = h("button.icon-button", { type: "button", "aria-label": label, title: label }, icon("copy"));
  button.addEventListener("click", async () => {
    toast((await copied(text)) ? "Copied." : "The browser does not allow copying: select the text instead.");
  });
  return h("span.copyable", {}, h(tag, {}, text), button);
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** A failure in words, with a way on. `tone` is bad, warn or note. */
export function notice(tone, title, sentence, ...actions) {
  const about = h("div", {}, title ? h("strong", {}, title) : null, sentence ? h("p", {}, sentence) : null,
    actions.length ? h("div.actions", {}, actions) : null);
  const role = tone === "bad" ? "alert" : "status";
  return h(`div.notice.${tone}`, { role }, icon(tone === "bad" ? "error" : tone === "good" ? "check" : "warning"), about);
}

/** What an `ApiProblem` says, with a button that tries again. */
export function problemNotice(error, again) {
  const button = again ? h("button", { type: "button", on: { click: again } }, "Try again") : null;
  return notice("bad", null, sentenceOf(error), ...(button ? [button] : []));
}

/** The sentence of any error; one of ours for what should not have happened. */
export function sentenceOf(error) {
  if (error?.name === "ApiProblem") return error.message;
  console.error(error);
  return "The console made a mistake: reload the page, and tell the operator if it stays.";
}

/** A whole page that says what is wrong, with a way on: to the shoots, or to what `way` links to. */
export function problemPage(title, sentence, way = ["To the shoots", "/"]) {
  const [words, href] = way;
  return { title, body: h("div.page.narrow", {}, h("h1", {}, title), h("p.lead", {}, sentence), h("a.button", { href }, words)) };
}

/** Put what is wrong in place of everything in `body`; it leads to the same page again, or to the section that it is in. */
export function showProblem(body, title, error) {
  body.classList.add("narrow");
  fill(body, ...problemPage(title, sentenceOf(error), wayOn(error)).body.childNodes);
}

function wayOn(error) {
  if (error.retryable) return ["Try again", `${location.pathname}${location.search}`];
  const section = document.querySelector("nav a[aria-current]");
  return section ? [`To the ${section.textContent.toLowerCase()}`, section.pathname] : undefined;
}

/** Say something that vanishes by itself. */
export function toast(sentence) {
  const shown = h("div.toast", {}, sentence);
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), 4500);
}

/** Say something to screen readers only. */
export function announce(sentence) {
  document.getElementById("announcer").textContent = sentence;
}

/**
 * Ask before something is done; resolves to what `answer` gives, or null where it was not wanted. What is longer than
 * the window is shown from its beginning.
 * @param {{title: string, body: any, confirm: string, tone?: string, keep?: string, answer?: () => any}} ask
 */
export function ask({ title, body, confirm, tone = "primary", keep = "Keep it", answer = () => true, ready }) {
  const yes = h(`button.${tone}`, { type: "submit", value: "yes" }, confirm);
  const no = h("button.quiet", { type: "button", on: { click: () => dialog.close() } }, keep);
  const heading = h("h2", { id: "dialog-title", tabindex: "-1" }, title);
  const form = h("form", { method: "dialog" }, heading, body, h("div.actions", {}, no, yes));
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, form);
  ready?.(yes);
  document.body.append(dialog);
  dialog.showModal();
  if (dialog.scrollHeight > dialog.clientHeight) {
    heading.focus();
    dialog.scrollTop = 0;
  }
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!yes.disabled) dialog.close("yes");
    });
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes" ? answer() : null);
      dialog.remove();
    });
  });
}

/** What `act` gives, while `button` is busy; a second press meanwhile does nothing. */
export async function busy(button, words, act) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const before = [...button.childNodes];
  button.setAttribute("aria-disabled", "true");
  fill(button, words);
  try {
    return await act();
  } finally {
    button.removeAttribute("aria-disabled");
    fill(button, before);
  }
}

/** A list of facts: pairs of a name and what it is; pairs without a value are left out. */
export function facts(...pairs) {
  const shown = pairs.filter(([, what]) => what !== null && what !== undefined && what !== "");
  return h("dl.facts", {}, shown.map(([name, what]) => h("div", {}, h("dt", {}, name), h("dd", {}, what))));
}

/** A time that says itself in full when pointed at. */
export function time(iso, words, full) {
  return h("time", { datetime: iso, title: full }, words);
}
