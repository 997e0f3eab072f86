/** How a training ended: the model, or what failed, what it cost and the button that helps. */

import { get, newKey, postOnce, request } from "../lib/api.js";
import { h, icon } from "../lib/dom.js";
import { answered, keyFor, refused } from "../lib/drafts.js";
import { bytes, count } from "../lib/format.js";
import { remedyOfTraining } from "../lib/remedies.js";
import { go } from "../lib/router.js";
import { STAGES, costSentence, totalTime } from "../lib/stages.js";
import { ask, busy, copyable, facts, notice, sentenceOf } from "../lib/ui.js";
import { downloadButtons } from "./downloads.js";

/**
 * The card of an ended training.
 * @param {{training: Object, signal: AbortSignal, onTraining: (training: Object) => void}} options
 * @returns {HTMLElement}
 */
export function outcomeCard({ training, signal, onTraining }) {
  if (training.status === "succeeded") return successCard(training, signal);
  if (training.status === "canceled") return canceledCard(training);
  return failureCard(training, onTraining);
}

function successCard(training, signal) {
  const about = h("div.outcome-facts", {}, h("div.skeleton.facts-skeleton"));
  const card = h("section.card.outcome.good", { "aria-labelledby": "outcome-title" },
    h("div.seal", { "aria-hidden": "true" }, icon("check")),
    h("h2", { id: "outcome-title" }, "Your model is ready"),
    h("p", {}, `The weights are in our bucket, whole and verified. It took ${totalTime(training)}. ${costSentence(training)}`),
    training.samples ? samplesLine(training) : null, about);
  get(`/v1/models/${encodeURIComponent(training.model_id)}`, { signal }).then(
    (model) => about.replaceChildren(modelFacts(model), modelActions(model)),
    (error) => {
      if (signal.aborted) return;
      if (error.code === "model_not_found") card.replaceWith(deletedCard(training));
      else about.replaceChildren(notice("warn", null, sentenceOf(error)));
    },
  );
  return card;
}

function samplesLine({ samples, model_id: model }) {
  const link = h("a", { href: `/models/${encodeURIComponent(model)}` }, "the model's page");
  const [shows, is] = samples === 1 ? ["shows", "it is"] : ["show", "they are"];
  return h("p", {}, `${count(samples, "sample picture")} ${shows} what it learned: ${is} on `, link, ", or will be in a moment.");
}

function modelFacts(model) {
  return facts(
    ["Model", `${model.name}, version ${model.version}`],
    ["Trigger word", h("code", {}, model.trigger_word)],
    ...model.files.map((file) => [fileWords("Weights", file), weightsWords(file)]),
    ...model.files.map((file) => [fileWords("Kept at", file), copyable(file.uri, "Copy the path")]),
  );
}

/** "Weights" of the only file of a model; "Weights, high-noise" where it has several. */
export function fileWords(words, { part }) {
  return part ? `${words}, ${part}` : words;
}

/** "4.2 MB, 76 tensors, rank 16, bf16". */
export function weightsWords(file) {
  const { tensors, rank, dtype } = file.weights ?? {};
  return [bytes(file.size), tensors ? count(tensors, "tensor") : null, rank ? `rank ${rank}` : null, dtype].filter(Boolean).join(", ");
}

function modelActions(model) {
  return h("div.actions", {}, downloadButtons(model), h("a.button.quiet", { href: `/models/${model.id}` }, "See the model"));
}

function canceledCard(training) {
  return quietCard(training, "Canceled", costSentence(training));
}

/** The training succeeded, and somebody deleted what it gave. */
function deletedCard(training) {
  return quietCard(training, "The model was deleted", `It took ${totalTime(training)}. ${costSentence(training)} The receipt of the deletion is on the page of your data.`);
}

function quietCard(training, title, sentence) {
  return h("section.card.outcome.quiet", { "aria-labelledby": "outcome-title" },
    h("h2", { id: "outcome-title" }, title),
    h("p", {}, sentence),
    h("div.actions", {}, h("a.button", { href: like(training) }, "Back to the shoot, with these settings")));
}

function failureCard(training, onTraining) {
  const { error } = training;
  const { sentence, actions, warning } = remedyOfTraining(training);
  const stage = STAGES.find(({ id }) => id === error?.stage)?.title.toLowerCase();
  const message = h("div", { "aria-live": "assertive" });
  const again = (words) => (tone) => {
    const button = h(`button.${tone}`, { type: "button" }, words);
    button.addEventListener("click", () => busy(button, "Asking", () => retry(training, warning, message, onTraining)));
    return button;
  };
  const link = (words, href) => (tone) => h(`a.button.${tone}`, { href }, words);
  const buttons = {
    recover: again("Recover the weights"),
    retry: again("Train again"),
    as_it_was: again("Train again as it was"),
    shoot: link("Edit the shoot", like(training)),
    anew: link("Train it from the start", like(training)),
    models: link("Choose another model", "/models"),
  };
  return h("section.card.outcome.bad", { "aria-labelledby": "outcome-title" },
    h("h2", { id: "outcome-title" }, stage ? `It failed while ${stage}` : "It failed"),
    h("p.what", {}, error?.message ?? "Nobody said why."),
    h("p", {}, `${costSentence(training)} ${sentence}`.trim()),
    message, h("div.actions", {}, actions.map((action, index) => buttons[action](index ? "quiet" : "primary"))));
}

function like(training) {
  return `/shoots/${encodeURIComponent(training.shoot_id)}?like=${encodeURIComponent(training.id)}`;
}

async function retry(training, warning, message, onTraining) {
  message.replaceChildren();
  if (warning && !(await agreed(warning))) return;
  try {
    const next = await retried(training);
    if (next.id === training.id) onTraining(next);
    else go(`/trainings/${encodeURIComponent(next.id)}`);
    answered(training.id);
  } catch (error) {
    refused(training.id, error);
    message.replaceChildren(notice("bad", null, sentenceOf(error)));
  }
}

/** Through the API's retry; where it has none, the same order once more. Weights can only be recovered by the former. */
async function retried(training) {
  const path = `/v1/trainings/${encodeURIComponent(training.id)}/retry`;
  const key = keyFor(training.id, { retry: training.id }, newKey);
  try {
    return await postOnce(path, undefined, key);
  } catch (error) {
    if (!error.isMissing || training.recoverable) throw error;
    const { shoot_id, trigger_word, model_name, trainer, parameters } = training;
    return postOnce("/v1/trainings", { shoot_id, trigger_word, model_name, trainer, parameters }, key);
  }
}

function agreed(warning) {
  return ask({ title: "Train again?", body: h("p", {}, warning), confirm: "Train again", keep: "Not now" });
}

/** Ask fal.ai to stop, after saying what that means. Resolves to the training as it then is, or null. */
export async function cancel(training, sentence) {
  const yes = await ask({
    title: "Cancel this training?", body: h("p", {}, sentence), confirm: "Cancel the training", tone: "danger", keep: "Let it run",
  });
  if (!yes) return null;
  return request("POST", `/v1/trainings/${encodeURIComponent(training.id)}/cancel`);
}
