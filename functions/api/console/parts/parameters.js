/** The fields of a trainer's parameters. */

import { h } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { PREPROCESSED, labelOf } from "../lib/trainers.js";

const SLIDER_MOST = 4000;

/**
 * Fields for the parameters of `trainer`: steps and the preprocessed flag in front, the rest behind "More settings".
 * @param {{trainer: Object, given: Object, onChange: (values: Object) => void}} options
 * @returns {{element: HTMLElement, values: () => Object}}
 */
export function parameterFields({ trainer, given, onChange }) {
  const known = trainer.parameters.filter((parameter) => parameter.name in given);
  const values = Object.fromEntries(trainer.parameters.map((parameter) => [parameter.name, parameter.default]));
  for (const { name } of known) values[name] = given[name];

  function set(name, value) {
    values[name] = value;
    onChange(values);
  }

  const front = ["steps", PREPROCESSED];
  const byName = (name) => trainer.parameters.find((parameter) => parameter.name === name);
  const first = front.map(byName).filter(Boolean).map((parameter) => field(parameter, values[parameter.name], set));
  const rest = trainer.parameters.filter((parameter) => !front.includes(parameter.name));
  const changed = rest.some((parameter) => values[parameter.name] !== parameter.default);
  const more = rest.length
    ? h("details.more", { open: changed }, h("summary", {}, "More settings"), rest.map((p) => field(p, values[p.name], set)))
    : null;
  return { element: h("div.fields", {}, first, more), values: () => ({ ...values }) };
}

function field(parameter, value, set) {
  const kind = parameter.type ?? typeof parameter.default;
  if (kind === "bool" || kind === "boolean") return flagField(parameter, value, set);
  if (parameter.name === "steps") return stepsField(parameter, value, set);
  return kind === "str" || kind === "string" ? textField(parameter, value, set) : numberField(parameter, value, set);
}

function flagField(parameter, value, set) {
  const id = `parameter-${parameter.name}`;
  const box = h("input", { type: "checkbox", id, name: parameter.name, checked: Boolean(value) });
  box.addEventListener("change", () => set(parameter.name, box.checked));
  return h("div.field.flag", {}, box, h("label", { for: id }, labelOf(parameter.name)), help(id, box, parameter));
}

/** A slider for the usual range, a number for all of it; both say the same. */
function stepsField(parameter, value, set) {
  const low = parameter.minimum ?? 1;
  const high = parameter.maximum ?? 10_000;
  const most = Math.min(high, SLIDER_MOST);
  const stride = Math.max(1, Math.min(100, most / 10));
  const exact = h("input.steps-number", {
    type: "number", id: "parameter-steps", name: "steps", min: low, max: high, step: 1, required: true, inputmode: "numeric", value,
  });
  // the slider's grid begins at its minimum: 0 keeps its stops at 100, 200, …, and the number says 1 where it is at 0
  const slider = h("input", {
    type: "range", min: low < stride ? 0 : low, max: most, step: stride, "aria-label": "Steps, coarse", value: Math.min(value, most),
  });
  slider.value = String(Math.min(value, most));
  const paint = () => slider.style.setProperty("--filled", `${(100 * slider.value) / most}%`);
  slider.addEventListener("input", () => {
    exact.value = String(Math.max(low, Number(slider.value)));
    paint();
    set("steps", Number(exact.value));
  });
  exact.addEventListener("input", () => {
    slider.value = String(Math.min(Number(exact.value) || 0, most));
    paint();
    if (exact.checkValidity()) set("steps", Number(exact.value));
  });
  paint();
  const range = `${number(low)} to ${number(high)}. ${parameter.help ?? ""}`;
  const label = h("div.field-head", {}, h("label", { for: "parameter-steps" }, "Steps"), exact);
  return h("div.field", {}, label, slider, h("p.help", {}, range));
}

function numberField(parameter, value, set) {
  const id = `parameter-${parameter.name}`;
  const input = h("input", {
    type: "number", id, name: parameter.name, min: parameter.minimum, max: parameter.maximum, required: true, value,
    step: parameter.type === "int" ? 1 : "any",
  });
  input.addEventListener("input", () => input.checkValidity() && set(parameter.name, Number(input.value)));
  return h("div.field", {}, h("label", { for: id }, labelOf(parameter.name)), input, help(id, input, parameter));
}

function textField(parameter, value, set) {
  const id = `parameter-${parameter.name}`;
  const input = h("input", { type: "text", id, name: parameter.name, value: value ?? "" });
  input.addEventListener("input", () => set(parameter.name, input.value));
  return h("div.field", {}, h("label", { for: id }, labelOf(parameter.name)), input, help(id, input, parameter));
}

function help(id, input, parameter) {
  if (!parameter.help) return null;
  input.setAttribute("aria-describedby", `${id}-help`);
  return h("p.help", { id: `${id}-help` }, parameter.help);
}
