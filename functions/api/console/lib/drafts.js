/** What was typed and not sent yet, kept in this browser for each shoot. */

const PREFIX = "costumes-lora:shoot:";

/**
 * The draft of a shoot: `captions` by stem (only those that differ), and the settings of the next run.
 * @returns {{captions: Object<string, string>, settings: Object}}
 */
export function readDraft(shootId) {
  const kept = read(localStorage, PREFIX + shootId) ?? {};
  return { captions: kept.captions ?? {}, settings: kept.settings ?? {} };
}

/** Keep the draft; an empty one is forgotten. */
export function writeDraft(shootId, draft) {
  const empty = !Object.keys(draft.captions).length && !Object.keys(draft.settings).length;
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
