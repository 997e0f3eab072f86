/** What was typed and not sent yet, kept in this browser for each shoot. */

const PREFIX = "costumes-lora:shoot:";
const PRESS = "costumes-lora:press:";
// signed out, not from here, too slow, too early, too often
const SAYS_NOTHING = new Set([401, 403, 408, 425, 429]);

/**
 * The draft of a shoot: `captions` by stem (only those that differ), the stems of pictures that are left out, the
 * settings of the next run, and `again`, the model that is trained again, or null.
 * @returns {{captions: Object<string, string>, without: string[], settings: Object, again: Object|null}}
 */
export function readDraft(shootId) {
  const kept = read(localStorage, PREFIX + shootId) ?? {};
  return { captions: kept.captions ?? {}, without: kept.without ?? [], settings: kept.settings ?? {}, again: kept.again ?? null };
}

/** Keep the draft; an empty one is forgotten. */
export function writeDraft(shootId, draft) {
  const empty = ![draft.captions, draft.without, draft.settings, draft.again ?? {}].some((part) => Object.keys(part).length);
  write(localStorage, PREFIX + shootId, empty ? null : draft);
}

/**
 * The key for a press of a button that costs money: the same as last time while the same request was never answered,
 * so that neither a reload nor an impatient second press pays twice.
 */
export function keyFor(name, body, newKey) {
  const pending = pendingKey(name, body);
  if (pending) return pending;
  const key = newKey();
  write(sessionStorage, PRESS + name, { body: JSON.stringify(body), key });
  return key;
}

/** The key under which the same was asked for before, if that press is not over; else null. */
export function pendingKey(name, body) {
  const pending = read(sessionStorage, PRESS + name);
  return pending?.body === JSON.stringify(body) ? pending.key : null;
}

/** The request was answered, and what came of it is shown: the next press is a new one. */
export function answered(name) {
  write(sessionStorage, PRESS + name, null);
}

/**
 * The press ended in `error`: the next one is a new one where that is a refusal. Whoever turns a request away before
 * looking at its key says nothing of what was begun under it before.
 */
export function refused(name, error) {
  if (error.status >= 400 && error.status < 500 && !SAYS_NOTHING.has(error.status)) answered(name);
}

/** A choice of this browser, such as whether to notify. */
export function choice(name, value) {
  if (value !== undefined) write(localStorage, `costumes-lora:${name}`, value);
  return read(localStorage, `costumes-lora:${name}`);
}

function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null;
  }
}

function write(storage, key, value) {
  try {
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
  } catch {
    // a full or forbidden storage loses a draft, never the page
  }
}
