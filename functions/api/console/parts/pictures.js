/** The pictures of a shoot with captions that can be changed for the next run, and pictures that can be left out. */

import { h, setText } from "../lib/dom.js";
import { count, sentCaption } from "../lib/format.js";
import { announce, emptyState, thumbnail } from "../lib/ui.js";

/**
 * The grid. `draft.captions` has the changed ones by stem, `draft.without` the stems of pictures that are left out; the
 * originals in the bucket are never touched.
 * @param {{shoot: Object, draft: Object, onChange: () => void}} options
 * @returns {{element: HTMLElement, focus: (file: string) => void, setTrigger: (word: string) => void}}
 */
export function pictureGrid({ shoot, draft, onChange }) {
  const pictures = shoot.pictures ?? [];
  const edited = h("span");
  const undoAll = h("button.quiet.small", { type: "button", hidden: true }, "Restore all");
  const cards = new Map();

  function countEdits() {
    const edits = Object.keys(draft.captions).length;
    const words = [edits ? `${count(edits, "caption")} changed` : "", draft.without.length ? `${count(draft.without.length, "picture")} left out` : ""];
    setText(edited, words.some(Boolean) ? `${words.filter(Boolean).join(", ")} for the next run` : "");
    undoAll.hidden = !words.some(Boolean);
  }

  for (const picture of pictures) {
    cards.set(picture.name, pictureCard(picture, draft, () => {
      countEdits();
      onChange();
    }));
  }
  undoAll.addEventListener("click", () => {
    for (const card of cards.values()) card.restore();
    announce("All captions are as they were, and no picture is left out.");
  });
  countEdits();

  const head = h("div.section-head", {}, h("h2", { id: "pictures-title" }, "Pictures and captions"), edited, undoAll);
  const list = h("ul.pictures", {}, [...cards.values()].map((card) => card.element));
  const none = emptyState("No pictures yet", "Add at least 4 preprocessed pictures to this shoot, then come back.");
  const element = h("section", { "aria-labelledby": "pictures-title" }, head, pictures.length ? list : none);

  return {
    element,
    setTrigger: (word) => cards.forEach((card) => card.setTrigger(word)),
    focus: (file) => {
      const base = file.replace(/\.[^.]*$/, "");
      const card = cards.get(file) ?? [...cards.values()].find((each) => each.stem === base);
      card?.focus();
    },
  };
}

function pictureCard(picture, draft, onChange) {
  const original = picture.caption ?? "";
  const id = `caption-${picture.name}`;
  const text = h("textarea", { id, rows: 3, maxlength: 2000, spellcheck: "true", placeholder: "No caption" });
  const restore = h("button.quiet.small", { type: "button", "aria-label": `Restore the caption of ${picture.name}` }, "Original");
  const hint = h("p.caption-hint", { id: `${id}-hint` });
  const out = h("input", { type: "checkbox", id: `${id}-out`, checked: draft.without.includes(picture.stem) });
  const alt = original ? `${picture.name}: ${original}` : picture.name;
  const element = h("li.picture", { tabindex: "-1", "aria-label": picture.name },
    thumbnail(picture.thumbnail_url, alt),
    h("div.picture-head", {}, h("label", { for: id }, picture.stem), restore),
    text, hint, h("label.leave-out", { for: out.id }, out, "Leave out", h("span.visually-hidden", {}, ` ${picture.name}`)));
  text.setAttribute("aria-describedby", hint.id);
  let trigger = "";

  function draw() {
    const isEdited = picture.stem in draft.captions;
    element.classList.toggle("edited", isEdited);
    element.classList.toggle("left-out", out.checked);
    restore.hidden = !isEdited;
    const sent = sentCaption(text.value, trigger);
    setText(hint, sent.changed && trigger ? addition(text.value, trigger) : "");
  }

  function set(value) {
    if (value === original) delete draft.captions[picture.stem];
    else draft.captions[picture.stem] = value;
    draw();
    onChange();
  }

  function leaveOut(isOut) {
    out.checked = isOut;
    draft.without = draft.without.filter((stem) => stem !== picture.stem).concat(isOut ? [picture.stem] : []).sort();
    draw();
    onChange();
  }

  out.addEventListener("change", () => leaveOut(out.checked));
  text.value = draft.captions[picture.stem] ?? original;
  text.addEventListener("input", () => set(text.value));
  restore.addEventListener("click", () => {
    text.value = original;
    set(original);
    text.focus();
  });
  draw();

  return {
    element,
    stem: picture.stem,
    setTrigger: (word) => {
      trigger = word;
      draw();
    },
    restore: () => {
      if (out.checked) leaveOut(false);
      if (!(picture.stem in draft.captions)) return;
      text.value = original;
      set(original);
    },
    focus: () => {
      element.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
      element.classList.add("pointed-at");
      setTimeout(() => element.classList.remove("pointed-at"), 2500);
      text.focus({ preventScroll: true });
    },
  };
}

function addition(caption, trigger) {
  if (caption.includes("[trigger]")) return `[trigger] is sent as “${trigger}”.`;
  return caption.trim() ? `Sent with “${trigger}, ” in front.` : `Sent as “${trigger}”.`;
}

function calm() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
