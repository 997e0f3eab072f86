/** Sets of pictures in words: what is done for them, how they ended, and what to press. Pure. */

import { count, money } from "./format.js";
import { isEnded } from "./stages.js";

const DOING = {
  packaging: "Getting the weights ready",
  submitting: "Handing the request to fal.ai",
  queued: "Waiting for a free machine at fal.ai",
  training: "fal.ai is making the pictures",
  mirroring: "Copying the pictures into our bucket",
};

const SIZES = {
  square_hd: "Square", square: "Small square", portrait_4_3: "Portrait 3:4", portrait_16_9: "Portrait 9:16",
  landscape_4_3: "Landscape 4:3", landscape_16_9: "Landscape 16:9",
};

/** Whether these are the pictures that a training makes by itself. */
export function isSamples(set) {
  return set.origin === "samples";
}

/** What is being done now, in one sentence without its full stop. */
export function doingWords(set) {
  const ahead = set.progress?.queue_position;
  if (set.stage === "queued" && ahead) return `In fal.ai's queue, ${ahead} ahead of yours`;
  if (isSamples(set) && set.stage === "training") return "fal.ai is making the sample pictures";
  return DOING[set.stage] ?? "Under way";
}

/** 0–100 while fal.ai draws, else null: nothing is known then. */
export function percentOfSet(set) {
  return set.stage === "training" && set.progress ? set.progress.percent : null;
}

/** "1", "0.5"; 0 is said in words. */
export function scaleWords(scale) {
  return scale === 0 ? "0, without the LoRA" : String(scale);
}

/** "Landscape 4:3". */
export function sizeWords(name) {
  return SIZES[name] ?? name;
}

/** What a set cost or was quoted; null where nobody knows. */
export function priceOfSet(set) {
  const price = set.cost_usd ?? set.quote?.price_usd;
  return typeof price === "number" ? price : null;
}

/** What all of these cost; nothing where fal.ai charged nothing, null where nobody knows it of one of them. */
export function priceOfSets(sets) {
  const prices = sets.map((set) => (set.error?.charged === false ? 0 : priceOfSet(set)));
  return prices.includes(null) ? null : prices.reduce((sum, price) => sum + price, 0);
}

/** One set for each model and scale: of several tries the latest that succeeded, for it is paid; else the latest. */
export function oneForEachCell(sets) {
  const made = (set) => Number(set.status === "succeeded");
  const tries = [...sets].sort((a, b) => made(a) - made(b) || Date.parse(a.created_at) - Date.parse(b.created_at));
  return [...new Map(tries.map((set) => [`${set.model_id} ${set.scale}`, set])).values()];
}

/** "$0.14 for 4 pictures". */
export function costWords(set) {
  const price = priceOfSet(set);
  if (price === null) return null;
  return set.count === 1 ? money(price) : `${money(price)} for ${count(set.count, "picture")}`;
}

/** The words of a button with what pressing it costs, where that is known. */
export function priced(words, set) {
  const price = set.quote?.price_usd;
  return price ? `${words}, ${money(price)}` : words;
}

/** Whether the set can be shown in full size: it is whole and there are pictures in it. */
export function isThere(set) {
  return isEnded(set) && set.pictures.length > 0;
}

/** What screen readers are told of a picture. */
export function altOf(set, index) {
  const which = set.pictures.length > 1 ? `Picture ${index + 1} of ${set.pictures.length}: ` : "";
  return `${which}${set.prompt}`;
}
