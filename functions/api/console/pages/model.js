/** One model: pictures made with it, its files, where it comes from, its versions; renaming and deleting it. */

import { get, getIfThere } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { ago, modelTitle, moment } from "../lib/format.js";
import { go, setTitle } from "../lib/router.js";
import { trainerOf, trainers } from "../lib/trainers.js";
import { breadcrumb, copyable, facts, showProblem, skeletons, time } from "../lib/ui.js";
import { downloadButtons } from "../parts/downloads.js";
import { versionsCard } from "../parts/versions.js";
import { lineage } from "../parts/lineage.js";
import { modelPictures } from "../parts/model_pictures.js";
import { eraseButton } from "../parts/erase.js";
import { renameButton } from "../parts/model_changes.js";
import { fileWords, weightsWords } from "../parts/outcome.js";

/** The page of a model. `?like=` begins the form with the wishes of a set of pictures, `?picture=` opens one. */
export function modelPage({ params, query, signal }) {
  const body = h("div.page", {},
    h("div.page-head", {}, h("div", {}, breadcrumb(["Models", "/models"]), h("h1", {}, h("span.skeleton.line")))),
    h("div.card", {}, skeletons(1, "facts-skeleton", "Loading the model")));
  const loaded = load(params.id, signal).then(
    (found) => signal.aborted || show(body, found, query, signal),
    (error) => signal.aborted || showProblem(body, "This model cannot be shown", error),
  );
  return { title: "Model", section: "models", body, loaded };
}

async function load(id, signal) {
  const model = await get(`/v1/models/${encodeURIComponent(id)}`, { signal });
  const quiet = (path) => getIfThere(path, { signal }).catch(() => null);
  const [shoot, training] = await Promise.all([
    quiet(`/v1/shoots/${encodeURIComponent(model.shoot_id)}`),
    quiet(`/v1/trainings/${encodeURIComponent(model.training_id)}`),
    trainers(signal).catch(() => null),
  ]);
  return { model, shoot, training };
}

function show(body, { model, shoot, training }, query, signal) {
  const title = h("span", {}, modelTitle(model));
  const pictures = modelPictures({ model, training, query, signal });
  setTitle(`${modelTitle(model)} v${model.version}`);
  fill(body,
    h("div.page-head", {},
      h("div", {}, breadcrumb(["Models", "/models"]), h("h1", {}, title, " ", h("span.version", {}, `v${model.version}`)),
        h("p.lead", {}, [shoot?.costume_name ?? model.shoot?.costume_name, model.person_id].filter(Boolean).join(", "), ", trained ",
          time(model.trained_at, ago(model.trained_at), moment(model.trained_at)))),
      h("div.actions", {}, renameButton(model, (renamed) => {
        title.textContent = modelTitle(renamed);
        setTitle(`${modelTitle(renamed)} v${renamed.version}`);
      }), eraseButton({ subject: "model", id: model.id, what: () => `${title.textContent} v${model.version}`, onDone: () => go("/models") }))),
    h("div.model-page", {},
      h("div.model-main", {}, pictures.element, h("div.stack", {},
        h("section.card", { "aria-labelledby": "files-title" }, h("h2", { id: "files-title" }, "Files"),
          h("div.actions", {}, downloadButtons(model)), fileFacts(model)),
        h("section.card", { "aria-labelledby": "use-title" }, h("h2", { id: "use-title" }, "Using it"),
          h("p", {}, "Put the trigger word into the prompt, where the person should be:"),
          h("p", {}, copyable(`${model.trigger_word} person, portrait, soft light`, "Copy the prompt")),
          usePart(model)))),
      h("div.model-side", {}, pictures.panel, h("div.stack", {},
        lineage({ model, shoot, training }), versionsCard({ model, next: nextVersion(model), signal })))));
  return pictures.start();
}

/** The ways to the next version. */
function nextVersion(model) {
  const again = `/shoots/${encodeURIComponent(model.shoot_id)}?model=${encodeURIComponent(model.id)}`;
  return h("div.actions.again-links", {}, h("a.button.quiet", { href: again }, "Train again"),
    trainerOf(model.trainer)?.resumable ? h("a.button.quiet", { href: `${again}&continue=1` }, "Continue") : null);
}

/** With what its pictures are made, as far as the registry knows. */
function usePart(model) {
  const base = trainerOf(model.trainer)?.base_model;
  if (!base) return null;
  const together = model.files.length > 1 ? " All its files are used together." : "";
  return h("p.help", {}, `It is made for ${base.title}.`, together, base.pictures ? [" Pictures with it: ", h("code", {}, base.pictures.endpoint)] : null);
}

function fileFacts(model) {
  return facts(
    ["Kept as", `${model.person_id} / ${model.name} / v${model.version}`],
    ...model.files.flatMap((file) => [
      [fileWords("Weights", file), weightsWords(file)],
      [fileWords("Path", file), copyable(file.uri, "Copy the path of the weights")],
      [fileWords("SHA-256", file), copyable(file.sha256, "Copy the checksum")],
    ]),
    ["Configuration", copyable(model.config_uri, "Copy the path of the configuration")],
  );
}
