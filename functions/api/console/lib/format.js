/** Numbers, times and money in words. Pure. */

const NUMBER = new Intl.NumberFormat("en");
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** 1234567 → "1,234,567". */
export function number(value) {
  return NUMBER.format(value);
}

/** count(1, "picture") → "1 picture"; count(2, "picture") → "2 pictures". */
export function count(value, noun) {
  return `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Bytes in decimal units, which stay on one line: 4194304 → "4.2 MB". */
export function bytes(value) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let rest = value;
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 100 ? 0 : 1;
  return `${rest.toFixed(digits)}\u00a0${units[unit]}`;
}

/** Seconds as people say them: 0.4 → "under 1 s", 83 → "1 min 23 s", 3700 → "1 h 1 min". */
export function duration(seconds) {
  if (seconds < 1) return "under 1 s";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return join(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86400) return join(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return join(Math.floor(whole / 86400), "d", Math.floor((whole % 86400) / 3600), "h");
}

function join(large, largeUnit, small, smallUnit) {
  return small ? `${large} ${largeUnit} ${small} ${smallUnit}` : `${large} ${largeUnit}`;
}

/** A length of time without false precision: 83 → "1 min", 400 → "7 min", 20 → "20 s". */
export function roughly(seconds) {
  if (seconds < 55) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.max(1, Math.round(seconds / 60))} min`;
  return `${(seconds / 3600).toFixed(1).replace(/\.0$/, "")} h`;
}

/** How long ago an ISO time was: "just now", "5 min ago", "3 days ago", else the day. */
export function ago(iso, now = Date.now()) {
  const seconds = (now - Date.parse(iso)) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 5400) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  if (seconds < 2592000) return `${Math.round(seconds / 86400)} days ago`;
  return day(iso);
}

/** "22 Nov 2026". */
export function day(iso) {
  return DAY.format(new Date(iso));
}

/** "22 Nov 2026, 15:38". */
export function moment(iso) {
  return MOMENT.format(new Date(iso));
}

/** "15:38:07". */
export function clock(iso) {
  return CLOCK.format(new Date(iso));
}

/** US dollars: 2 → "$2.00"; small ones keep what matters: 0.0024 → "$0.0024". */
export function money(usd) {
  const digits = usd > 0 && usd < 0.1 ? Math.min(6, Math.max(3, 1 - Math.floor(Math.log10(usd)))) : 2;
  return `$${usd.toLocaleString("en", { minimumFractionDigits: Math.min(2, digits), maximumFractionDigits: digits })}`;
}

/** The name under which a model is kept: "Red Riding-Hood!" → "red-riding-hood" (as shared/shoots.py does it). */
export function slug(text) {
  const kept = text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60);
  return kept.replace(/^-+|-+$/g, "") || "model";
}

/** "is_input_format_already_preprocessed" → "Is input format already preprocessed". */
export function words(name) {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What a model is called: the title that its owner gave it, else the name under which it is kept. */
export function modelTitle(model) {
  return model.title || model.name;
}

/** The stem of a file's name: "01.jpg" → "01". */
export function stem(file) {
  return file.replace(/^.*\//, "").replace(/\.[^.]*$/, "");
}

/** What a parameter's value reads like. */
export function value(given) {
  if (typeof given === "boolean") return given ? "yes" : "no";
  // as it was given: a learning rate of 0.0007 is not one of 0.001
  return Number.isInteger(given) ? number(given) : String(given);
}

/**
 * The caption as the archive will have it (as functions/packager/dataset.py does it): `[trigger]` is replaced, and
 * where the trigger word is missing it is put in front.
 * @returns {{text: string, changed: boolean}}
 */
export function sentCaption(caption, trigger) {
  const given = (caption ?? "").trim();
  if (!trigger) return { text: given, changed: false };
  const text = given.replaceAll("[trigger]", trigger);
  const escaped = trigger.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&");
  const has = new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, "u").test(text);
  const sent = has ? text : text ? `${trigger}, ${text}` : trigger;
  return { text: sent, changed: sent !== given };
}
