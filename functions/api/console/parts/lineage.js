/** Where a model comes from: the shoot, its dataset, the training, sewn together. */

import { h } from "../lib/dom.js";
import { bytes, count, duration, money } from "../lib/format.js";
import { parameterFacts, trainerWords } from "./training_facts.js";

/** The lineage of a model; what has been deleted since is said to be gone. */
export function lineage({ model, shoot, training }) {
  const costume = shoot?.costume_name ?? model.shoot?.costume_name;
  const cost = training?.cost_usd ?? model.training?.cost_usd;
  const parameters = parameterFacts(model.parameters, model.trainer).map(([name, given]) => h("span", {}, `${name}: ${given}`));
  return h("section.card", { "aria-labelledby": "lineage-title" }, h("h2", { id: "lineage-title" }, "Where it comes from"),
    h("ol.thread", {},
      knot("Shoot", shoot ? h("a", { href: `/shoots/${shoot.id}` }, costume) : h("span", {}, costume ?? "no longer there")),
      knot("Dataset", datasetWords(training?.dataset), h("code.fingerprint", { title: model.dataset_fingerprint }, model.dataset_fingerprint.slice(0, 16))),
      knot("Training", training ? h("a", { href: `/trainings/${training.id}` }, took(training)) : h("span", {}, "no longer there"),
        trainerWords(model.trainer), ...parameters, typeof cost === "number" ? `Cost ${money(cost)}` : null),
      knot("Model", h("span", {}, `${model.name}, version ${model.version}`),
        model.parent_model_id ? h("a", { href: `/models/${encodeURIComponent(model.id)}/diff?against=${encodeURIComponent(model.parent_model_id)}` },
          model.continues ? "continues another version: see what changed" : "trained again: see what changed") : null)));
}

function knot(title, main, ...more) {
  return h("li", {}, h("span.knot-title", {}, title), main, more.filter(Boolean).map((part) => h("span.row-sub", {}, part)));
}

function datasetWords(dataset) {
  if (!dataset) return h("span", {}, "Fingerprint");
  const text = `${count(dataset.image_count, "picture")}, ${count(dataset.caption_count, "caption")}, ${bytes(dataset.bytes)}`;
  return h("span", {}, text);
}

function took(training) {
  const seconds = Object.values(training.stages ?? {}).reduce((sum, part) => sum + part, 0);
  return `Took ${duration(seconds)}`;
}
