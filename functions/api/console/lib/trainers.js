/** The trainers that can be chosen, as the API's registry has them: forms and names are made from it alone. */

import { get } from "./api.js";
import { number, words } from "./format.js";

let known = [];

/** The trainers, the default one first. */
export async function trainers(signal) {
  known = (await get("/v1/trainers", { signal })).items;
  return known;
}

/** The trainer with this endpoint, as far as `trainers` has been asked for. */
export function trainerOf(endpoint) {
  return known.find((trainer) => trainer.endpoint === endpoint) ?? null;
}

/** What a parameter of a trainer is called: its title, else its own name as words. */
export function labelOf(name, endpoint) {
  return trainerOf(endpoint)?.parameters.properties[name]?.title ?? words(name);
}

/** The parameters' schemas as pairs of a name and its schema. */
export function parametersOf(trainer) {
  return Object.entries(trainer.parameters.properties);
}

/** The values that a trainer begins with: its defaults, and what the preset of that name sets. */
export function valuesFor(trainer, preset) {
  const defaults = Object.fromEntries(parametersOf(trainer).map(([name, schema]) => [name, schema.default]));
  return { ...defaults, ...(presetOf(trainer, preset)?.parameters ?? {}) };
}

/** `values` as another preset has them: what no preset of the trainer sets stays as it is. */
export function withPreset(trainer, values, preset) {
  const set = new Set(trainer.presets.flatMap(({ parameters }) => Object.keys(parameters)));
  const kept = Object.entries(values).filter(([name]) => !set.has(name));
  return { ...valuesFor(trainer, preset), ...Object.fromEntries(kept) };
}

/** The preset of that name; null without one, or where the trainer does not offer it. */
export function presetOf(trainer, preset) {
  return trainer.presets.find(({ name }) => name === preset) ?? null;
}

/** What is wrong with a value, in a sentence with what would do; empty where it fits its schema. */
export function misfit(schema, value) {
  if (schema.type !== "integer" && schema.type !== "number") return "";
  const { minimum: low = -Infinity, maximum: high = Infinity, multipleOf: step } = schema;
  if (!Number.isFinite(value)) return "A number is needed here.";
  if (value < low || value > high) return `It has to be ${rangeWords(schema).replace(/^./, (first) => first.toLowerCase())}.`;
  if (schema.type === "integer" && !Number.isInteger(value)) return "A whole number is needed here.";
  if (!step || value % step === 0) return "";
  const nearest = Math.min(Math.max(Math.round(value / step) * step, Math.ceil(low / step) * step), Math.floor(high / step) * step);
  return `It goes in steps of ${number(step)}: the nearest is ${number(nearest)}.`;
}

/** "From 100 to 10,000, in steps of 100"; small numbers as they are written. */
export function rangeWords({ minimum, maximum, multipleOf }) {
  const plain = (value) => (value !== 0 && Math.abs(value) < 0.01 ? String(value) : number(value));
  const step = multipleOf ? `, in steps of ${number(multipleOf)}` : "";
  if (minimum === undefined && maximum === undefined) return "";
  if (maximum === undefined) return `From ${plain(minimum)} on${step}`;
  return minimum === undefined ? `Up to ${plain(maximum)}${step}` : `From ${plain(minimum)} to ${plain(maximum)}${step}`;
}
