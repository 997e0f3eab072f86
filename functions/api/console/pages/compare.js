/** What to compare: versions of a model, at scales, with one prompt and seed; and what all of it costs. */

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { modelTitle } from "../lib/format.js";
import { setQuery, setTitle } from "../lib/router.js";
import { trainerOf, trainers } from "../lib/trainers.js";
import { breadcrumb, emptyState, showProblem, skeletons } from "../lib/ui.js";
import { comparePanel } from "../parts/compare_panel.js";

/** The page of the form; `?again=` begins it with what a comparison had. */
export function comparePage({ params, query, signal }) {
  const path = `/models/${encodeURIComponent(params.id)}`;
  const body = h("div.page", {},
    h("div.page-head", {}, h("div", {}, breadcrumb(["The model", path]), h("h1", {}, "Compare pictures"))),
    h("div.card", {}, skeletons(1, "facts-skeleton", "Loading the versions")));
  const loaded = load(path, query.get("again"), signal).then(
    (found) => signal.aborted || show(body, found, signal),
    (error) => signal.aborted || showProblem(body, "This model's pictures cannot be compared", error),
  );
  return { title: "Compare pictures", section: "models", body, loaded };
}

async function load(path, againId, signal) {
  const [model, versions, again] = await Promise.all([
    get(`/v1${path}`, { signal }), get(`/v1${path}/versions`, { signal }),
    againId ? get(`/v1/comparisons/${encodeURIComponent(againId)}`, { signal }).catch(() => null) : null, trainers(signal),
  ]);
  return { model, versions, again };
}

function show(body, { model, versions, again }, signal) {
  const title = `${modelTitle(model)} v${model.version}`;
  const pictures = trainerOf(model.trainer)?.base_model.pictures;
  setTitle(`Compare pictures, ${title}`);
  setQuery({ again: null });
  fill(body,
    h("div.page-head", {}, h("div", {}, breadcrumb([title, `/models/${encodeURIComponent(model.id)}`]), h("h1", {}, "Compare pictures"),
      h("p.lead", {}, "The same words and the same seed, once for every version at every scale, side by side."))),
    pictures ? comparePanel({ model, versions, pictures, again, signal })
      : emptyState("Nothing to compare", "Nobody knows yet how to make pictures with this trainer's models."));
}
