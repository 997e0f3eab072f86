/** How versions differ, in words. */

import { h } from "../lib/dom.js";
import { count, value } from "../lib/format.js";
import { labelOf } from "../lib/trainers.js";

const SETTINGS = { trainer: "Trainer", trigger_word: "Trigger word" };
const KINDS = ["added", "removed", "changed"];
const SHOWN = 12;

/** A difference in short phrases: "2 pictures added", "Steps 1,000 → 1,500". */
export function differencePhrases(difference, trainer) {
  if (!difference) return [];
  return [...datasetPhrases(difference), ...changesOf(difference, trainer).map(({ label, before, after }) => `${label} ${before} → ${after}`)];
}

function datasetPhrases(difference) {
  if (difference.same_dataset) return [];
  if (!difference.dataset) return ["another dataset"];
  const { pictures, captions } = difference.dataset;
  const told = [["picture", pictures], ["caption", captions]].flatMap(([noun, files]) =>
    KINDS.filter((kind) => files[kind].length).map((kind) => `${count(files[kind].length, noun)} ${kind}`));
  return told.length ? told : ["another dataset"];
}

/** Settings and parameters that are not the same, by the words for them. */
export function changesOf(difference, trainer) {
  const named = (changes, label) => changes.map(({ name, before, after }) => ({ label: label(name), before: shown(before), after: shown(after) }));
  return [...named(difference.settings, (name) => SETTINGS[name] ?? name), ...named(difference.parameters, (name) => labelOf(name, trainer))];
}

function shown(given) {
  if (given === null || given === undefined) return "none";
  return given === "" ? "empty" : value(given);
}

/** The files that came, went and changed, by their names. */
export function filesPart(difference) {
  if (difference.same_dataset) return h("p", {}, "Both were trained on the same pictures and captions.");
  if (!difference.dataset) return h("p", {}, "They were trained on different datasets. What was different is not known: nobody kept what one of them was made of.");
  const { pictures, captions } = difference.dataset;
  const groups = [["Pictures", pictures], ["Captions", captions]].flatMap(([title, files]) =>
    KINDS.filter((kind) => files[kind].length).map((kind) => namesPart(`${title} ${kind}`, files[kind], kind)));
  return h("div.files-changed", {}, groups, h("p.help", {}, `${count(pictures.same, "picture")} and ${count(captions.same, "caption")} are the same.`));
}

function namesPart(title, names, kind) {
  const rest = names.length - SHOWN;
  return h("div", {}, h("h3", {}, title),
    h("p", {}, names.slice(0, SHOWN).map((name) => h(`code.file-name.${kind}`, {}, name)), rest > 0 ? h("span.row-sub", {}, `and ${rest} more`) : null));
}
