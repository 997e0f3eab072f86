/** Renaming and deleting a model. */

import { request } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { go } from "../lib/router.js";
import { ask, sentenceOf, toast } from "../lib/ui.js";

/** A button that asks for the new name; `onRenamed` gets the renamed model. */
export function renameButton(model, onRenamed) {
  const button = h("button.quiet.small", { type: "button" }, "Rename");
  let now = model;
  button.addEventListener("click", async () => {
    const input = h("input", { type: "text", id: "new-name", required: true, maxlength: 60, value: now.name, autocomplete: "off" });
    const body = [h("div.field", {}, h("label", { for: "new-name" }, "New name"), input),
      h("p.help", {}, "The files stay where they are: only the name changes.")];
    const name = await ask({ title: "Rename the model", body, confirm: "Rename", keep: "Not now", answer: () => input.value.trim() });
    if (!name || name === now.name) return;
    await attempt("renamed", async () => {
      now = await request("PATCH", path(model), { body: { name } });
      onRenamed(now);
      toast("Renamed.");
    });
  });
  return button;
}

/** A button that deletes the model after its name has been typed. */
export function deleteButton(model) {
  const button = h("button.quiet.small.danger-text", { type: "button" }, "Delete");
  button.addEventListener("click", async () => {
    const current = await request("GET", path(model)).catch(() => model);
    const input = h("input", { type: "text", id: "confirm-name", autocomplete: "off", spellcheck: "false" });
    const body = [h("p", {}, "The weights and the configuration are deleted for good. Training them again costs money."),
      h("div.field", {}, h("label", { for: "confirm-name" }, `Type ${current.name} to confirm`), input)];
    const ready = (yes) => {
      yes.disabled = true;
      input.addEventListener("input", () => (yes.disabled = input.value !== current.name));
    };
    const answer = () => input.value;
    const confirm = await ask({ title: "Delete this model?", body, confirm: "Delete for good", tone: "danger", ready, answer });
    if (!confirm) return;
    await attempt("deleted", async () => {
      await request("DELETE", path(model), { query: { confirm } });
      toast(`${current.name} v${current.version} is deleted.`);
      go("/models");
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
