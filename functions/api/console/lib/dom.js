/** A tiny DOM builder. Everything becomes text or attributes: there is no way to insert HTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element.
 * @param {string} tag such as "a" or "button.primary.wide"
 * @param {Object<string, any>} [props] attributes; `on: {click}` adds listeners, `data: {}` data attributes,
 *   true makes a boolean attribute, null, undefined and false leave it out, `value` and `checked` are properties
 * @param {...any} children nodes, text, arrays of them; null, undefined and false are left out
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props ?? {})) setProp(element, key, value);
  element.append(...flat(children));
  return element;
}

function setProp(element, key, value) {
  if (key === "on") {
    for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  } else if (key === "data") {
    Object.assign(element.dataset, value);
  } else if (key === "value" || key === "checked") {
    element[key] = value;
  } else if (value === true) {
    element.setAttribute(key, "");
  } else if (value !== null && value !== undefined && value !== false) {
    element.setAttribute(key, String(value));
  }
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Replace everything in `element` by `children`. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

/** Set the text of `element` only where it differs, so that live regions stay quiet and selections stay. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Keep `container`'s children in step with `items`: an element is made once per key and redrawn only when its item
 * changed, so focus and scroll stay where they are.
 * @param {HTMLElement} container
 * @param {any[]} items
 * @param {(item: any) => string} key
 * @param {(item: any, element: HTMLElement|null) => HTMLElement} draw gets the element of the last time, or null
 */
export function keyed(container, items, key, draw) {
  const before = container._keyed ?? new Map();
  const after = new Map();
  for (const item of items) {
    const id = key(item);
    const drawn = JSON.stringify(item);
    const known = before.get(id);
    const element = known && known.drawn === drawn ? known.element : draw(item, known?.element ?? null);
    after.set(id, { drawn, element });
  }
  container._keyed = after;
  const wanted = [...after.values()].map((entry) => entry.element);
  const same = wanted.length === container.children.length && wanted.every((e, i) => e === container.children[i]);
  if (!same) container.replaceChildren(...wanted);
}

const ICONS = {
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M7 7l10 10M17 7L7 17",
  warning: "M12 4.5l8.5 15h-17zM12 10v4M12 16.7v.1",
  error: "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17M12 8v5M12 15.8v.1",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  search: "M10.5 4.5a6 6 0 1 0 0 12a6 6 0 1 0 0-12M15 15l5 5",
  undo: "M9 7L5 11l4 4M5.5 11H14a5 5 0 0 1 0 10h-2",
  bell: "M6.5 16.5V11a5.5 5.5 0 0 1 11 0v5.5l1.5 2H5zM10.5 21h3",
  copy: "M9 9h10v10H9zM5 15V5h10",
  arrow: "M5 12h14M13 6l6 6-6 6",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  hidden: "M4 4l16 16M9.9 5.2A9.6 9.6 0 0 1 12 5c6 0 9.5 7 9.5 7a16 16 0 0 1-3.3 4M6 7.6A15.5 15.5 0 0 0 2.5 12S6 19 12 19a9 9 0 0 0 3.5-.7M10 10.2a2.8 2.8 0 0 0 3.9 3.9",
  more: "M12 5v14M5 12h14",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9v.1",
};

/** A decorative icon by its name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** The URL where a browser may be sent or an image loaded from: http and https only, else null. */
export function safeUrl(url) {
  if (!url) return null;
  try {
    const parsed = new URL(url, location.origin);
    return parsed.protocol === "http:" || parsed.protocol === "https:" ? parsed.href : null;
  } catch {
    return null;
  }
}
