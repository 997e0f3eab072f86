/** Jobs, live: server-sent events with reconnection, and slow polling where nobody looks. */

import { ApiProblem, get } from "./api.js";

const HIDDEN_AFTER_MS = 20_000;
const POLL_MS = 10_000;
const SAY_SO_AFTER_MS = 1_500;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;

/**
 * Follow a training until it ends or `signal` is aborted; log lines carry their index, so that nothing is shown twice.
 * @param {string} id
 * @param {{onTraining: Function, onLog: Function, onConnection: Function, onProblem: Function, signal: AbortSignal}} to
 */
export function follow(id, { onTraining, onLog, ...rest }) {
  const path = `/v1/trainings/${encodeURIComponent(id)}`;
  const ask = (signal) => get(path, { signal }).then(onTraining);
  stream({ url: `${path}/events`, on: { training: onTraining, log: onLog }, ask, ...rest });
}

/**
 * Follow several sets of pictures over one connection, until the last has ended or `signal` is aborted.
 * @param {string[]} ids
 * @param {{onSet: Function, onGone: (id: string) => void, onConnection: Function, onProblem: Function, signal: AbortSignal}} to
 *   `onGone` hears of a set that is not there any more; the others are to be followed anew then
 */
export function followSets(ids, { onSet, onGone, ...rest }) {
  const missing = (id) => (error) => {
    if (error.status !== 404) throw error;
    onGone(id);
  };
  const look = (id, signal) => get(`/v1/images/${encodeURIComponent(id)}`, { signal }).then(onSet, missing(id));
  const ask = (signal) => Promise.all(ids.map((id) => look(id, signal)));
  stream({ url: `/v1/images/events?${new URLSearchParams(ids.map((id) => ["images_id", id]))}`, on: { images: onSet }, ask, ...rest });
}

/**
 * A stream of events until its `end`. A broken connection mends itself: the browser continues after `Last-Event-ID`,
 * and where it gives up we `ask` and begin anew. A tab in the background gives its connection back (a browser has six
 * for one host) and asks now and then instead.
 */
function stream({ url, on, ask: look, onConnection, onProblem, signal }) {
  let source = null;
  let wait = FIRST_WAIT_MS;
  let ended = false;
  const timers = { open: 0, poll: 0, hide: 0, say: 0 };

  function open() {
    close();
    if (ended || signal.aborted) return;
    source = new EventSource(url);
    source.addEventListener("open", connected);
    for (const [name, tell] of Object.entries(on)) {
      source.addEventListener(name, (event) => {
        connected();
        tell(JSON.parse(event.data));
      });
    }
    source.addEventListener("end", finish);
    source.addEventListener("error", lost);
  }

  function close() {
    source?.close();
    source = null;
    clearTimeout(timers.open);
    clearTimeout(timers.poll);
  }

  function connected() {
    wait = FIRST_WAIT_MS;
    clearTimeout(timers.say);
    timers.say = 0;
    onConnection(true);
  }

  function lost() {
    timers.say ||= setTimeout(() => onConnection(false), SAY_SO_AFTER_MS);
    if (source?.readyState !== EventSource.CLOSED) return;
    close();
    timers.open = setTimeout(reopen, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }

  async function reopen() {
    if (await ask()) open();
  }

  /** Whether there is still something to follow. */
  async function ask() {
    try {
      await look(signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (error instanceof ApiProblem && (error.status === 404 || error.status === 401)) {
        finish();
        onProblem(error);
        return false;
      }
      lostAgain();
      return false;
    }
  }

  function lostAgain() {
    onConnection(false);
    clearTimeout(timers.open);
    timers.open = setTimeout(reopen, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }

  async function poll() {
    if (ended || signal.aborted || !document.hidden) return;
    await look(signal).catch(() => {});
    if (!ended && !signal.aborted && document.hidden) timers.poll = setTimeout(poll, POLL_MS);
  }

  function visibility() {
    clearTimeout(timers.hide);
    if (document.hidden) {
      timers.hide = setTimeout(() => {
        close();
        void poll();
      }, HIDDEN_AFTER_MS);
    } else if (!source && !ended) {
      open();
    }
  }

  function finish() {
    ended = true;
    close();
    clearTimeout(timers.hide);
    clearTimeout(timers.say);
    onConnection(true);
  }

  document.addEventListener("visibilitychange", visibility, { signal });
  window.addEventListener("online", () => !ended && open(), { signal });
  signal.addEventListener("abort", () => {
    ended = true;
    close();
    for (const timer of Object.values(timers)) clearTimeout(timer);
  });
  open();
}
