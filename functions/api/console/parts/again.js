/** Training a model again: what its form begins with, and what is different about sending it. */

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";

/** The model that is to be trained again, with what it was trained with; null where it cannot be had. */
export async function againOf(modelId, { continues, signal }) {
  const path = `/v1/models/${encodeURIComponent(modelId)}`;
  try {
    const [model, before] = await Promise.all([get(path, { signal }), get(`${path}/retraining`, { signal })]);
    return { model, before, continues: continues && !before.cannot_continue };
  } catch {
    return null;
  }
}

/** Put what the model was trained with into the draft; captions that were typed since are kept. */
export function takeOver(draft, { model, before, continues }) {
  const { trigger_word: trigger, trainer, preset, parameters } = before;
  draft.settings = { trigger, name: model.name, trainer, preset, parameters: { ...parameters } };
  draft.captions = { ...before.captions, ...draft.captions };
  draft.without = [...before.without];
  draft.again = {
    model_id: model.id, name: model.name, version: model.version, trainer, continues, cannot_continue: before.cannot_continue,
  };
}

/**
 * What the form says where `draft.again` is set; nothing where it is not.
 * @param {{draft: Object, onChange: () => void}} options
 */
export function againPart({ draft, onChange }) {
  const element = h("div.again");
  const input = h("input", { type: "checkbox", id: "continue", name: "continue", "aria-describedby": "continue-help" });
  const afresh = h("button.quiet.small", { type: "button" }, "Begin a new model instead");
  input.addEventListener("change", () => {
    draft.again.continues = input.checked;
    onChange();
  });
  afresh.addEventListener("click", () => {
    draft.again = null;
    draw();
    onChange();
    document.getElementById("trigger")?.focus();
  });

  function draw() {
    const { again } = draft;
    element.hidden = !again;
    if (!again) return void fill(element);
    input.checked = again.continues;
    const can = !again.cannot_continue;
    fill(element,
      h("p", {}, "As ", h("a", { href: `/models/${encodeURIComponent(again.model_id)}` }, `${again.name} v${again.version}`),
        " was trained, with what you change here. It becomes the next version."),
      can ? continuing(input) : h("details.more", {}, h("summary", {}, "It starts afresh"), h("p.help", {}, again.cannot_continue)),
      afresh);
  }

  draw();
  return {
    element,
    path: () => (draft.again ? `/v1/models/${encodeURIComponent(draft.again.model_id)}/retrain` : "/v1/trainings"),
    /** What is sent besides the settings; `own` is what only a new model has. */
    wish: (own) => (draft.again
      ? { captions: draft.captions, without: draft.without, continue_weights: draft.again.continues }
      : {
        ...own, ...(Object.keys(draft.captions).length ? { captions: draft.captions } : {}),
        ...(draft.without.length ? { without: draft.without } : {}),
      }),
    trainerChanged: (endpoint) => {
      if (!draft.again) return;
      const own = endpoint === draft.again.trainer;
      if (!own) draft.again.continues = false;
      draw();
      input.disabled = !own;
    },
  };
}

function continuing(input) {
  const help = "Goes on where that version stopped, instead of starting afresh. Only its own trainer can do that.";
  return h("div.field.flag", {}, input, h("label", { for: input.id }, "Continue its weights"), h("p.help", { id: "continue-help" }, help));
}
