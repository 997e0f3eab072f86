/** One shoot: its pictures and captions, what is wrong with them, and the way to a LoRA. */

import { get, getIfThere } from "../lib/api.js";
import { fill, h, keyed } from "../lib/dom.js";
import { readDraft, writeDraft } from "../lib/drafts.js";
import { ago, bytes, count, moment } from "../lib/format.js";
import { every } from "../lib/paged_list.js";
import { setQuery, setTitle } from "../lib/router.js";
import { isEnded, percentOf, statusOf } from "../lib/stages.js";
import { samplePictures } from "../lib/samples.js";
import { breadcrumb, pill, showProblem, skeletons, thumbnail, time } from "../lib/ui.js";
import { pictureGrid } from "../parts/pictures.js";
import { againOf, takeOver } from "../parts/again.js";
import { datasetReport } from "../parts/report.js";
import { trainPanel } from "../parts/train_panel.js";

const RUNS_MS = 5_000;
const RUNS_SHOWN = 5;
const SAMPLES_MS = 60_000;

/**
 * The page of a shoot. `?like={training}` takes that training's settings into the form, `?model={model}` trains that
 * model again; with `&continue=1` it begins with the model's weights.
 */
export function shootPage({ params, query, signal }) {
  const head = h("div.page-head", {}, h("div", {}, breadcrumb(["Shoots", "/"]), h("h1", {}, h("span.skeleton.line"))));
  const left = h("div.shoot-main", {}, h("div.pictures", {}, skeletons(6, "picture-skeleton", "Loading the shoot")));
  const right = h("div.shoot-side", {}, h("div.card.skeleton.panel-skeleton"));
  const body = h("div.page", {}, head, h("div.shoot", {}, left, right));
  const loaded = load(params.id, query, signal).then(
    ({ shoot, like, again }) => show({ shoot, like, again, head, left, right, signal }),
    (error) => signal.aborted || showProblem(body, "This shoot cannot be shown", error),
  );
  return { title: "Shoot", section: "shoots", body, loaded };
}

async function load(id, query, signal) {
  const likeId = query.get("like");
  const [shoot, like] = await Promise.all([
    get(`/v1/shoots/${encodeURIComponent(id)}`, { signal }),
    likeId ? get(`/v1/trainings/${encodeURIComponent(likeId)}`, { signal }).catch(() => null) : null,
  ]);
  const modelId = query.get("model") ?? like?.parent_model_id;
  const continues = query.has("continue") || Boolean(like?.continues);
  return { shoot, like, again: modelId ? await againOf(modelId, { continues, signal }) : null };
}

function show({ shoot, like, again, head, left, right, signal }) {
  if (signal.aborted) return;
  setTitle(shoot.costume_name);
  drawHead(head, shoot);
  const draft = readDraft(shoot.id);
  if (again) takeOver(draft, again);
  if (like) Object.assign(draft, { settings: settingsOf(like), without: like.without ?? [] });
  forgetWhatIsGone(draft, shoot);
  setQuery({ like: null, model: null, continue: null });
  const save = () => writeDraft(shoot.id, draft);
  const pictures = pictureGrid({ shoot, draft, onChange: changed });
  const report = datasetReport({ shoot, draft, signal, focusPicture: pictures.focus, onResult: (result) => panel.setReport(result) });
  const panel = trainPanel({ shoot, draft, signal, save, onSettings: settingsChanged });

  function changed() {
    save();
    report.captionsChanged();
    panel.captionsChanged();
  }

  function settingsChanged({ trigger, trainer }) {
    pictures.setTrigger(trigger);
    report.ask({ trigger, trainer });
  }

  fill(left, report.element, pictures.element);
  fill(right, panel.element, runsOf(shoot, signal));
  panel.start();
}

/** What was said of pictures that the shoot does not have any more. */
function forgetWhatIsGone(draft, shoot) {
  const stems = new Set((shoot.pictures ?? []).map((picture) => picture.stem));
  draft.without = draft.without.filter((stem) => stems.has(stem));
  for (const stem of Object.keys(draft.captions)) if (!stems.has(stem)) delete draft.captions[stem];
}

function settingsOf(training) {
  const { trigger_word: trigger, model_name: name, trainer, preset, parameters } = training;
  return { trigger, name, trainer, preset, parameters: { ...parameters } };
}

function drawHead(head, shoot) {
  const size = (shoot.pictures ?? []).reduce((sum, picture) => sum + picture.size, 0);
  const about = [shoot.person_id, count(shoot.image_count, "picture"), bytes(size)];
  fill(head, h("div", {}, breadcrumb(["Shoots", "/"]), h("h1", {}, shoot.costume_name),
    h("p.lead", {}, about.join(", "), ", added ", time(shoot.created_at, ago(shoot.created_at), moment(shoot.created_at)))));
}

/** The last runs of this shoot, as long as there are any. */
function runsOf(shoot, signal) {
  const list = h("ul.runs");
  const section = h("section.card", { "aria-labelledby": "runs-title", hidden: true },
    h("h2", { id: "runs-title" }, "Runs of this shoot"), list);
  const samples = samplePictures(signal);
  async function refresh() {
    const page = await getIfThere("/v1/trainings", { query: { shoot_id: shoot.id, limit: 50 }, signal }).catch(() => null);
    if (!page || signal.aborted) return;
    // also where the server does not know the filter yet
    const runs = page.items.filter((training) => training.shoot_id === shoot.id).slice(0, RUNS_SHOWN);
    section.hidden = runs.length === 0;
    const draw = () => keyed(list, runs.map((training) => ({ training, sample: samples.of(training.id) })), ({ training }) => training.id, drawRun);
    draw();
    if (await samples.learn(runs.filter(hasHadTime).map((training) => training.id))) draw();
  }
  void refresh();
  every(RUNS_MS, refresh, signal);
  return section;
}

/** Samples are made after the model is there: what is asked for too early would not be asked for again. */
function hasHadTime(training) {
  return training.status === "succeeded" && Date.now() - Date.parse(training.updated_at) > SAMPLES_MS;
}

function drawRun({ training, sample }, before) {
  const row = before ?? h("li", {}, h("a.run", { href: `/trainings/${training.id}` }));
  const { word, tone } = statusOf(training);
  const percent = percentOf(training);
  const state = percent === null || isEnded(training) ? word : `${word} ${Math.floor(percent)} %`;
  fill(row.firstChild, h("span.run-name", {}, sample ? thumbnail(sample, "") : null, training.model_name), pill(state, tone),
    h("span.when", {}, time(training.created_at, ago(training.created_at), moment(training.created_at))));
  return row;
}
