/** Renaming a model. */

import { request } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { modelTitle } from "../lib/format.js";
import { ask, sentenceOf, toast } from "../lib/ui.js";

/** A button that asks for the new name; `onRenamed` gets the model as it then is. */
export function renameButton(model, onRenamed) {
  const button = h("button.quiet.small", { type: "button" }, "Rename");
  let now = model;
  button.addEventListener("click", async () => {
    const input = h("input", { type: "text", id: "new-name", required: true, maxlength: 120, value: modelTitle(now), autocomplete: "off" });
    const body = [h("div.field", {}, h("label", { for: "new-name" }, "New name"), input),
      h("p.help", {}, `The files keep the name ${now.name}: only what it is called here changes.`)];
    const name = await ask({ title: "Rename the model", body, confirm: "Rename", keep: "Not now", answer: () => input.value.trim() });
    if (!name || name === modelTitle(now)) return;
    await attempt("renamed", async () => {
      now = await request("PATCH", path(model), { body: { title: name } });
      onRenamed(now);
      toast("Renamed.");
    });
  });
  return button;
}

async function attempt(what, act) {
  try {
    await act();
  } catch (error) {
    toast(error.isMissing ? `Models cannot be ${what} in this installation yet.` : sentenceOf(error));
  }
}

function path(model) {
  return `/v1/models/${encodeURIComponent(model.id)}`;
}
