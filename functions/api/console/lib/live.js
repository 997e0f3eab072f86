/** A training, live: server-sent events with reconnection, and slow polling where nobody looks. */

import { ApiProblem, get } from "./api.js";

const HIDDEN_AFTER_MS = 20_000;
const POLL_MS = 10_000;
const SAY_SO_AFTER_MS = 1_500;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;

/**
 * Follow a training until it ends or `signal` is aborted.
 *
 * A broken connection mends itself: the browser continues after `Last-Event-ID`, and where it gives up we begin anew;
 * log lines carry their index, so that nothing is shown twice. A tab in the background gives its connection back
 * (a browser has six for one host) and asks now and then instead.
 * @param {string} id
 * @param {{onTraining: Function, onLog: Function, onConnection: Function, onProblem: Function, signal: AbortSignal}} to
 */
export function follow(id, { onTraining, onLog, onConnection, onProblem, signal }) {
  let source = null;
  let wait = FIRST_WAIT_MS;
  let ended = false;
  const timers = { open: 0, poll: 0, hide: 0, say: 0 };

  function open() {
    close();
    if (ended || signal.aborted) return;
    source = new EventSource(`/v1/trainings/${encodeURIComponent(id)}/events`);
    source.addEventListener("open", connected);
    source.addEventListener("training", (event) => {
      connected();
      onTraining(JSON.parse(event.data));
    });
    source.addEventListener("log", (event) => onLog(JSON.parse(event.data)));
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
      const training = await get(`/v1/trainings/${encodeURIComponent(id)}`, { signal });
      onTraining(training);
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
    await get(`/v1/trainings/${encodeURIComponent(id)}`, { signal }).then(onTraining, () => {});
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
