/** The fields of a trainer's parameters, made from its JSON Schema. */

import { h, setText } from "../lib/dom.js";
import { labelOf, misfit, parametersOf, rangeWords } from "../lib/trainers.js";

/**
 * Fields for the parameters of `trainer`: those that are not advanced in front, the rest behind "Advanced".
 * @param {{trainer: Object, values: Object, onChange: (values: Object) => void}} options
 * @returns {{element: HTMLElement, values: () => Object, misfit: () => string|null, show: Function, refuse: Function}}
 *   `misfit` is the name of a parameter whose value does not fit, `show(name)` goes to its field, and
 *   `refuse(name, sentence)` says there what the API said; false where there is no such field
 */
export function parameterFields({ trainer, values: given, onChange }) {
  const values = { ...given };
  const fields = new Map();

  function field([name, schema]) {
    const made = fieldOf({ id: `parameter-${name}`, name, schema, label: labelOf(name, trainer.endpoint), value: values[name] }, (value) => {
      values[name] = value;
      made.say(misfit(schema, value));
      onChange(values);
    });
    fields.set(name, made);
    return made.element;
  }

  function show(name) {
    const folded = fields.get(name).element.closest("details");
    if (folded) folded.open = true;
    fields.get(name).input.focus();
  }

  function refuse(name, sentence) {
    if (!fields.has(name)) return false;
    fields.get(name).say(sentence);
    show(name);
    return true;
  }

  const all = parametersOf(trainer);
  const front = all.filter(([, schema]) => !schema["x-advanced"]).map(field);
  const rest = all.filter(([, schema]) => schema["x-advanced"]).map(field);
  const more = rest.length ? h("details.more", {}, h("summary", {}, "Advanced"), rest) : null;
  return {
    element: h("div.fields", {}, front, more),
    values: () => ({ ...values }),
    misfit: () => all.find(([name, schema]) => misfit(schema, values[name]))?.[0] ?? null,
    show,
    refuse,
  };
}

function fieldOf(field, set) {
  const help = h("p.help", { id: `${field.id}-help` });
  const problem = h("p.help.blocked", { id: `${field.id}-problem`, "aria-live": "polite", hidden: true });
  const { input, parts } = controlOf(field, set);
  input.setAttribute("aria-describedby", `${help.id} ${problem.id}`);
  setText(help, helpOf(field.schema));
  const say = (sentence) => {
    problem.hidden = !sentence;
    setText(problem, sentence);
    if (sentence) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  const flag = field.schema.type === "boolean" ? ".flag" : "";
  return { element: h(`div.field${flag}`, {}, parts, help, problem), input, say };
}

function helpOf(schema) {
  const numeric = schema.type === "integer" || schema.type === "number";
  const range = numeric ? rangeWords(schema) : "";
  return [range && `${range}.`, schema.description].filter(Boolean).join(" ");
}

/** The control of a parameter with its label; `input` is what a person types into or presses. */
function controlOf(field, set) {
  const { schema } = field;
  if (schema.type === "boolean") return checkbox(field, set);
  if (schema.enum) return choice(field, set);
  if (schema.type === "string") return text(field, set);
  return schema["x-usual-maximum"] === undefined ? exact(field, set) : slider(field, set);
}

function checkbox({ id, name, label, value }, set) {
  const input = h("input", { type: "checkbox", id, name, checked: Boolean(value) });
  input.addEventListener("change", () => set(input.checked));
  return { input, parts: [input, h("label", { for: id }, label)] };
}

function choice({ id, name, label, value, schema }, set) {
  const input = h("select", { id, name }, schema.enum.map((each) => h("option", { value: each }, each)));
  for (const [index, option] of [...input.options].entries()) option.value = schema.enum[index];
  input.value = value;
  input.addEventListener("change", () => set(input.value));
  return { input, parts: [h("label", { for: id }, label), input] };
}

function text({ id, name, label, value, schema }, set) {
  const kind = schema["x-multiline"] ? "textarea" : "input";
  const input = h(kind, { id, name, rows: kind === "textarea" ? 2 : null, maxlength: schema.maxLength, value: value ?? "" });
  input.addEventListener("input", () => set(input.value));
  return { input, parts: [h("label", { for: id }, label), input] };
}

function exact({ id, name, label, value, schema }, set) {
  const input = numberInput({ id, name, value, schema });
  input.addEventListener("input", () => set(input.value === "" ? NaN : Number(input.value)));
  return { input, parts: [h("label", { for: id }, label), input] };
}

/** A slider for the usual range, a number for all of it; both say the same. */
function slider({ id, name, label, value, schema }, set) {
  const low = schema.minimum ?? 0;
  const most = schema["x-usual-maximum"];
  const stride = schema.multipleOf ?? Math.max(1, Math.min(100, most / 10));
  const input = numberInput({ id, name, value, schema });
  input.className = "steps-number";
  // the slider's grid begins at its minimum: 0 keeps its stops at 100, 200, …, and the number says 1 where it is at 0
  const coarse = h("input", {
    type: "range", min: low < stride ? 0 : low, max: most, step: stride, "aria-label": `${label}, coarse`, value: Math.min(value, most),
  });
  coarse.value = String(Math.min(value, most));
  const paint = () => coarse.style.setProperty("--filled", `${(100 * (coarse.value - coarse.min)) / (most - coarse.min)}%`);
  coarse.addEventListener("input", () => {
    input.value = String(Math.max(low, Number(coarse.value)));
    paint();
    set(Number(input.value));
  });
  input.addEventListener("input", () => {
    coarse.value = String(Math.min(Number(input.value) || 0, most));
    paint();
    set(input.value === "" ? NaN : Number(input.value));
  });
  paint();
  return { input, parts: [h("div.field-head", {}, h("label", { for: id }, label), input), coarse] };
}

/** Without `min`, `max` and `step` of its own: what is wrong is said at the field, in words. */
function numberInput({ id, name, value, schema }) {
  return h("input", { type: "number", id, name, step: "any", inputmode: schema.type === "integer" ? "numeric" : "decimal", value });
}
