/** Which versions are compared at which scales, and how they will stand. */

import { fill, h } from "../lib/dom.js";
import { ago } from "../lib/format.js";

const MOST_SETS = 12;
const SCALES = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];

/**
 * The choice. It begins with the model without and with its LoRA, or with what `before`, the sets of a comparison, had.
 * @param {{model: Object, versions: Object, pictures: Object, before: Object[], onChange: () => void}} options
 * @returns {{element: HTMLElement, picked: () => {model_ids: string[], scales: number[]}, hindrance: () => string}} `picked`
 *   is in the order in which they stand; `hindrance` says why it cannot be compared yet, or nothing
 */
export function compareChoice({ model, versions, pictures, before, onChange }) {
  const chosen = {
    models: new Set(before.length ? before.map((set) => set.model_id) : [model.id]),
    scales: new Set(before.length ? before.map((set) => set.scale) : [0, 1]),
  };
  const preview = h("div.preview", { "aria-hidden": "true" });
  const changed = () => {
    drawPreview(preview, versions.items, picked());
    onChange();
  };
  const element = h("section.card", {}, h("h2", {}, "What to compare"),
    several("versions", "Versions", versionOptions(versions), chosen.models, changed),
    several("scales", "Scales", scaleOptions(pictures, chosen.scales), chosen.scales, changed, "How much of the LoRA. 0 is the same for every version."),
    preview);

  function picked() {
    return {
      model_ids: versions.items.filter(({ id }) => chosen.models.has(id)).map(({ id }) => id).reverse(),
      scales: [...chosen.scales].sort((a, b) => a - b),
    };
  }

  drawPreview(preview, versions.items, picked());
  return { element, picked, hindrance: () => hindranceOf(picked()) };
}

function versionOptions({ items, current_model_id: current }) {
  return items.map(({ id, version, trained_at: trained }) => ({
    value: id, words: `v${version}`, about: [id === current ? "current" : null, ago(trained)].filter(Boolean).join(", "),
  }));
}

function scaleOptions({ max_scale: most }, chosen) {
  const offered = [...new Set([...SCALES, ...chosen])].filter((scale) => scale <= most).sort((a, b) => a - b);
  const about = { 0: "without the LoRA", 1: "as trained" };
  return offered.map((scale) => ({ value: scale, words: String(scale), about: about[scale] ?? "" }));
}

function several(id, title, options, picked, onChange, help) {
  const chips = options.map(({ value, words, about }) => {
    const input = h("input", { type: "checkbox", name: id, checked: picked.has(value) });
    input.addEventListener("change", () => {
      if (input.checked) picked.add(value);
      else picked.delete(value);
      onChange();
    });
    return h("label.chip.pick", {}, input, h("span", {}, h("strong", {}, words), about ? h("span.row-sub", {}, ` ${about}`) : null));
  });
  return h("fieldset.field", {}, h("legend.label", {}, title), h("div.chips", {}, chips), help ? h("p.help", {}, help) : null);
}

function hindranceOf({ model_ids: ids, scales }) {
  const sets = ids.length * scales.length;
  if (!ids.length) return "Choose a version.";
  if (!scales.length) return "Choose a scale.";
  if (sets < 2) return "One set has nothing to stand beside: choose another version or scale.";
  return sets > MOST_SETS ? `These are ${sets} sets, and ${MOST_SETS} are compared at once: choose fewer versions or scales.` : "";
}

/** How they will stand: it says nothing that the choices do not say. */
function drawPreview(preview, items, { model_ids: ids, scales }) {
  preview.style.setProperty("--columns", scales.length);
  const versions = ids.map((id) => items.find((item) => item.id === id).version);
  fill(preview, h("span"), scales.map((scale) => h("span.preview-head", {}, String(scale))),
    versions.map((version) => [h("span.preview-head", {}, `v${version}`), scales.map(() => h("span.preview-cell"))]));
}
