/** One picture of what each training gave, for lists: asked for once, and shown when it is there. */

import { get } from "./api.js";

// a page of a list; what the API answers at once is more
const MOST = 50;

/**
 * Samples as a list grows.
 * @param {AbortSignal} signal
 * @returns {{of: (training: string) => string|null, learn: (trainings: string[]) => Promise<boolean>}} `learn` asks for
 *   those that are not known, and gives whether there were any; a list does without where they cannot be had
 */
export function samplePictures(signal) {
  const known = new Map();

  async function learn(trainings) {
    const wanted = trainings.filter((id) => id && !known.has(id)).slice(0, MOST);
    if (!wanted.length) return false;
    for (const id of wanted) known.set(id, null);
    const found = await get("/v1/images/samples", { query: { of: wanted }, signal }).catch(() => null);
    for (const sample of found?.items ?? []) known.set(sample.training_id, sample.thumbnail_url);
    return Boolean(found?.items.length) && !signal.aborted;
  }

  return { of: (training) => known.get(training) ?? null, learn };
}
