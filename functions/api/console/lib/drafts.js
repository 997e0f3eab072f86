/** What was typed and not sent yet, kept in this browser for each shoot. */

const PREFIX = "costumes-lora:shoot:";

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
  const wanted = JSON.stringify(body);
  const pending = read(sessionStorage, `costumes-lora:press:${name}`);
  if (pending?.body === wanted) return pending.key;
  const key = newKey();
  write(sessionStorage, `costumes-lora:press:${name}`, { body: wanted, key });
  return key;
}

/** The request was answered: the next press is a new one. */
export function answered(name) {
  write(sessionStorage, `costumes-lora:press:${name}`, null);
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
