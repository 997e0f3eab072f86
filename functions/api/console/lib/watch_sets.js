/** The sets of pictures on a page, live, whichever of them are under way. */

import { get } from "./api.js";
import { followSets } from "./live.js";
import { isEnded } from "./stages.js";

// what the API follows in one stream
const MOST = 40;

/**
 * Watch sets until they have ended.
 * @param {{signal: AbortSignal, onSet: Function, onGone: (id: string) => void, onConnection: Function, onProblem: Function}} to
 *   `onSet` hears of every change; a set that has just ended comes with its thumbnails
 * @returns {{watch: (sets: Object[]) => void}} to be told all sets of the page whenever they may be others
 */
export function watchSets({ signal, onSet, onGone, ...rest }) {
  const followed = new Set();
  let following = null;

  function watch(sets) {
    const under = sets.filter((set) => !isEnded(set)).map(({ id }) => id).slice(0, MOST);
    if (under.every((id) => followed.has(id))) return;
    following?.abort();
    following = new AbortController();
    followed.clear();
    for (const id of under) followed.add(id);
    followSets(under, { signal: AbortSignal.any([signal, following.signal]), onSet: told, onGone: gone, ...rest });
  }

  async function told(set) {
    if (!followed.has(set.id)) return;
    if (!isEnded(set)) return void onSet(set);
    followed.delete(set.id);
    onSet(await whole(set));
  }

  /** The stream has no signed URLs; where they cannot be had now, the set is shown without pictures. */
  function whole(set) {
    return get(`/v1/images/${encodeURIComponent(set.id)}`, { signal }).catch(() => set);
  }

  function gone(id) {
    following?.abort();
    followed.clear();
    onGone(id);
  }

  return { watch };
}
