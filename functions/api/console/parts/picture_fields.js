/** How many pictures, in which size, how much of the LoRA, and from which seed. */

import { h, setText } from "../lib/dom.js";
import { sizeWords } from "../lib/pictures.js";

const USUAL_COUNT = 2;
const USUAL_SCALE = 2;
const SCALE_STEP = 0.05;
const MAX_SEED = 2 ** 31 - 1;

/**
 * The fields.
 * @param {Object} options
 * @param {Object} options.pictures what the trainer's registry entry says of pictures
 * @param {Object} options.given values to begin with; what does not fit is left out
 * @param {() => void} options.onChange
 * @param {boolean} [options.withScale] false where scales are chosen elsewhere
 * @returns {{element: HTMLElement, values: () => Object, check: () => boolean}} `check` says at its field what is wrong
 */
export function pictureFields({ pictures, given, onChange, withScale = true }) {
  const values = {
    count: Math.min(given.count ?? USUAL_COUNT, pictures.max_count),
    size: pictures.sizes.some(({ name }) => name === given.size) ? given.size : pictures.default_size,
    ...(withScale ? { scale: Math.min(given.scale ?? 1, pictures.max_scale) } : {}),
  };
  const set = (name) => (value) => {
    values[name] = value;
    onChange();
  };
  const seed = seedField(given.seed, onChange);
  return {
    element: h("div.fields", {},
      countField(pictures.max_count, values.count, set("count")),
      sizeField(pictures.sizes, values.size, set("size")),
      withScale ? scaleField(pictures.max_scale, values.scale, set("scale")) : null, seed.element),
    values: () => ({ ...values, ...(seed.value() === null ? {} : { seed: seed.value() }) }),
    check: seed.check,
  };
}

function chips(name, title, options, chosen, choose) {
  const made = options.map(([value, words, before]) => {
    const input = h("input", { type: "radio", name, value, checked: value === chosen });
    input.addEventListener("change", () => choose(value));
    return h("label.chip", {}, input, h("span", {}, before ?? null, words));
  });
  return h("fieldset.field", {}, h("legend.label", {}, title), h("div.chips", {}, made));
}

function countField(most, chosen, choose) {
  if (most === 1) return h("p.help", {}, "This kind of model makes one picture at a time.");
  return chips("count", "How many", Array.from({ length: most }, (_, index) => [index + 1, String(index + 1)]), chosen, choose);
}

function sizeField(sizes, chosen, choose) {
  const options = sizes.map(({ name, width, height }) =>
    [name, [sizeWords(name), h("span.visually-hidden", {}, `, ${width} × ${height}`)], h(`span.shape.${name}`, { "aria-hidden": "true" })]);
  const made = chips("size", "Shape", options, chosen, choose);
  made.classList.add("shapes");
  return made;
}

/** A slider, with the number in words beside it: 0 has a meaning of its own. */
export function scaleField(most, chosen, choose) {
  const said = h("output", { for: "scale" });
  const input = h("input", {
    type: "range", id: "scale", name: "scale", min: 0, max: Math.min(most, Math.max(USUAL_SCALE, chosen)), step: SCALE_STEP, "aria-describedby": "scale-help",
  });
  input.value = String(chosen);
  const draw = () => {
    const value = Number(input.value);
    setText(said, value === 0 ? "0, without" : String(value));
    input.setAttribute("aria-valuetext", value === 0 ? "0, without the LoRA" : String(value));
    input.style.setProperty("--filled", `${(100 * value) / Number(input.max)}%`);
  };
  input.addEventListener("input", () => {
    draw();
    choose(Number(input.value));
  });
  draw();
  return h("div.field", {}, h("div.field-head", {}, h("label", { for: "scale" }, "How much of the LoRA"), said), input,
    h("p.help", { id: "scale-help" }, "1 is as it was trained; 0 is as if there were none."));
}

/** A number, or nothing: then one is chosen. */
function seedField(given, onChange) {
  const problem = h("p.help.blocked", { id: "seed-problem", "aria-live": "polite", hidden: true });
  const input = h("input", {
    type: "text", inputmode: "numeric", id: "seed", name: "seed", autocomplete: "off", placeholder: "a new one each time",
    value: given ?? "", "aria-describedby": "seed-help seed-problem",
  });
  const value = () => (input.value.trim() === "" ? null : Number(input.value));
  const fits = () => value() === null || (/^\d+$/.test(input.value.trim()) && value() <= MAX_SEED);
  const say = () => {
    problem.hidden = fits();
    setText(problem, fits() ? "" : `A seed is a whole number from 0 to ${MAX_SEED.toLocaleString("en")}.`);
    if (fits()) input.removeAttribute("aria-invalid");
    else input.setAttribute("aria-invalid", "true");
  };
  input.addEventListener("input", () => {
    say();
    onChange();
  });
  const element = h("details.more", { open: given !== undefined && given !== null }, h("summary", {}, "Seed"),
    h("div.field", {}, h("label", { for: "seed" }, "Seed"), input, problem,
      h("p.help", { id: "seed-help" }, "The same seed, words and scale give the same pictures.")));
  return {
    element,
    value,
    check: () => {
      if (fits()) return true;
      element.open = true;
      input.focus();
      return false;
    },
  };
}
