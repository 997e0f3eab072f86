/** What a training was asked for and on what it ran. */

import { h } from "../lib/dom.js";
import { bytes, count, moment, money, value } from "../lib/format.js";
import { totalTime } from "../lib/stages.js";
import { labelOf } from "../lib/trainers.js";
import { facts, time } from "../lib/ui.js";

/** The facts of a training, as far as they are known. */
export function trainingFacts(training) {
  const { dataset, quote } = training;
  return facts(
    ["Shoot", h("a", { href: `/shoots/${encodeURIComponent(training.shoot_id)}` }, "See the pictures")],
    ["Person", training.person_id],
    ["Trigger word", h("code", {}, training.trigger_word)],
    ["Trainer", training.trainer],
    ...parameterFacts(training.parameters),
    ["Dataset", dataset ? `${count(dataset.image_count, "picture")}, ${count(dataset.caption_count, "caption")}, ${bytes(dataset.bytes)}` : null],
    ["Quoted", typeof quote?.price_usd === "number" ? money(quote.price_usd) : null],
    ["Cost", typeof training.cost_usd === "number" ? money(training.cost_usd) : null],
    ["Asked for", time(training.created_at, moment(training.created_at), training.created_at)],
    ["Took", training.stage ? null : totalTime(training)],
    ["Follows", training.predecessor_id ? h("a", { href: `/trainings/${encodeURIComponent(training.predecessor_id)}` }, "the run before") : null],
    ["fal.ai request", training.fal_request_id ? h("code", {}, training.fal_request_id) : null],
  );
}

/** The parameters as pairs. */
export function parameterFacts(parameters) {
  return Object.entries(parameters ?? {}).map(([name, given]) => [labelOf(name), value(given)]);
}
