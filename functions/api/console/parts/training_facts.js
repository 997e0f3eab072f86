/** What a training was asked for and on what it ran. */

import { h } from "../lib/dom.js";
import { bytes, count, moment, money, value } from "../lib/format.js";
import { totalTime } from "../lib/stages.js";
import { labelOf, presetOf, trainerOf } from "../lib/trainers.js";
import { facts, time } from "../lib/ui.js";

/** The facts of a training, as far as they are known. */
export function trainingFacts(training) {
  const { dataset, quote } = training;
  return facts(
    ["Shoot", h("a", { href: `/shoots/${encodeURIComponent(training.shoot_id)}` }, "See the pictures")],
    ["Person", training.person_id],
    ["Trigger word", h("code", {}, training.trigger_word)],
    ["Trainer", trainerWords(training.trainer)],
    ["To learn", presetWords(training)],
    ...parameterFacts(training.parameters, training.trainer),
    ["Dataset", dataset ? `${count(dataset.image_count, "picture")}, ${count(dataset.caption_count, "caption")}, ${bytes(dataset.bytes)}` : null],
    ["Afterwards", samplesWords(training)],
    ["Quoted", typeof quote?.price_usd === "number" ? money(quote.price_usd) : null],
    ["Cost", typeof training.cost_usd === "number" ? money(training.cost_usd) : null],
    ["Asked for", time(training.created_at, moment(training.created_at), training.created_at)],
    ["Took", training.stage ? null : totalTime(training)],
    ["Follows", training.predecessor_id ? h("a", { href: `/trainings/${encodeURIComponent(training.predecessor_id)}` }, "the run before") : null],
    [training.continues ? "Continues" : "Trains again", training.parent_model_id ? h("a", { href: `/models/${encodeURIComponent(training.parent_model_id)}` }, "an earlier version") : null],
    ["Without", training.without?.length ? training.without.join(", ") : null],
    ["fal.ai request", training.fal_request_id ? h("code", {}, training.fal_request_id) : null],
  );
}

function samplesWords({ samples, quote }) {
  if (!samples) return null;
  const price = typeof quote?.samples_usd === "number" ? `, quoted ${money(quote.samples_usd)}` : "";
  return `${count(samples, "sample picture")} with the model${price}`;
}

/** The parameters as pairs; texts that are empty say nothing. */
export function parameterFacts(parameters, endpoint) {
  return Object.entries(parameters ?? {}).filter(([, given]) => given !== "").map(([name, given]) => [labelOf(name, endpoint), value(given)]);
}

/** A trainer by its title, with its endpoint. */
export function trainerWords(endpoint) {
  const spec = trainerOf(endpoint);
  return spec ? h("span.only", {}, spec.title, h("code", {}, endpoint)) : endpoint;
}

function presetWords({ preset, trainer }) {
  if (!preset) return null;
  const spec = trainerOf(trainer);
  return (spec && presetOf(spec, preset)?.title) ?? preset;
}

/** What fal.ai was sent and what it delivered, word by word, behind a disclosure. */
export function exchange({ sent, delivered }) {
  if (!sent) return null;
  const shown = (title, what) => [h("h3", {}, title), h("pre", { tabindex: "0" }, JSON.stringify(what, null, 2))];
  return h("details.more.exchange", {}, h("summary", {}, "What fal.ai was sent"),
    h("p.help", {}, `To ${sent.endpoint}, by version ${sent.trainer_version} of its entry. Links are not kept.`),
    shown("Sent", sent.fields), delivered ? shown("Delivered", delivered) : null);
}
