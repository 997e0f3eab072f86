/** What a training is doing and what it means, in words. Pure. */

import { duration, money, roughly } from "./format.js";

/** The stages in their order: what is done in each and, while it is under way, what is said. */
export const STAGES = [
  { id: "packaging", title: "Packaging", doing: "Checking the pictures and packing them with their captions" },
  { id: "submitting", title: "Submitting", doing: "Handing the archive to fal.ai" },
  { id: "queued", title: "Queued", doing: "Waiting for a free machine at fal.ai" },
  { id: "training", title: "Training", doing: "fal.ai is training" },
  { id: "mirroring", title: "Mirroring", doing: "Copying the weights into our bucket and verifying them" },
];

const ENDED = new Set(["succeeded", "failed", "canceled"]);
/** Whether nothing more will happen by itself. */
export function isEnded(training) {
  return ENDED.has(training.status);
}

/**
 * Each stage with its mark: "done", "now", "ahead", or "failed" / "canceled" for the one it ended in.
 * @returns {{id: string, title: string, mark: string, seconds: number|null}[]}
 */
export function marks(training) {
  const here = STAGES.findIndex((stage) => stage.id === presentStage(training));
  return STAGES.map(({ id, title }, index) => {
    let mark = index < here ? "done" : index > here ? "ahead" : "now";
    if (training.status === "succeeded") mark = "done";
    else if (index === here && isEnded(training)) mark = training.status;
    return { id, title, mark, seconds: training.stages?.[id] ?? null };
  });
}

/** The stage it is in, or the one in which it ended. */
export function presentStage(training) {
  const entered = Object.keys(training.stages ?? {});
  return training.stage ?? training.error?.stage ?? entered.at(-1) ?? STAGES[0].id;
}

/** How a status is named and coloured. */
export function statusOf(training) {
  if (training.status === "succeeded") return { word: "Done", tone: "good" };
  if (training.status === "failed") return { word: training.recoverable ? "Recoverable" : "Failed", tone: "bad" };
  if (training.status === "canceled") return { word: "Canceled", tone: "quiet" };
  const stage = STAGES.find(({ id }) => id === training.stage);
  return { word: stage?.title ?? "Under way", tone: "active" };
}

/** 0–100 while fal.ai trains and a number is known, else null. */
export function percentOf(training) {
  return training.stage === "training" && training.progress ? training.progress.percent : null;
}

/** What is being done now, in one sentence. */
export function doing(training) {
  const position = training.progress?.queue_position;
  if (training.stage === "queued" && typeof position === "number") {
    return position ? `In fal.ai's queue, ${position} ahead of yours` : "Next in fal.ai's queue";
  }
  return STAGES.find(({ id }) => id === training.stage)?.doing ?? "";
}

/** "Step 240 of 1,000"; empty while unknown. */
export function stepWords(training) {
  const { step, total } = training.progress ?? {};
  if (training.stage !== "training" || !total || step === null || step === undefined) return "";
  return `Step ${step.toLocaleString("en")} of ${total.toLocaleString("en")}`;
}

/** "about 3 min left"; `passedS` is the age of the document in seconds. */
export function etaWords(training, passedS = 0) {
  const eta = training.progress?.eta_s;
  if (training.stage !== "training" || typeof eta !== "number") return "";
  const left = eta - passedS;
  return left < 1.5 ? "almost there" : `about ${roughly(left)} left`;
}

/** What it cost, as far as is known. */
export function costSentence(training) {
  const known = typeof training.cost_usd === "number";
  if (known && training.cost_usd > 0) return `It cost ${money(training.cost_usd)}.`;
  const charged = training.error ? training.error.charged : training.status === "succeeded" ? true : null;
  if (charged === true) return "fal.ai charged for the run.";
  if (known || charged === false) return "Nothing was charged.";
  return "Whether fal.ai charged for it is not known: its billing page tells.";
}

/** What canceling means for the money, said before it is done. */
export function cancelSentence(training) {
  if (["packaging"].includes(training.stage)) {
    return "Nothing has been sent to fal.ai yet, so nothing will be charged.";
  }
  if (training.stage === "queued" || training.stage === "submitting") {
    return "fal.ai is asked to take it out of its queue. What has not started is not charged; if it starts in this very moment, it may be.";
  }
  if (training.stage === "training") {
    return "fal.ai is already training. It is asked to stop, but it may finish before it does, and the time that was used may be charged.";
  }
  return "The run is over and paid for: only the weights are still being fetched. Canceling now saves nothing.";
}

/** "3 min 20 s in all". */
export function totalTime(training) {
  const seconds = Object.values(training.stages ?? {}).reduce((sum, part) => sum + part, 0);
  return duration(seconds);
}
