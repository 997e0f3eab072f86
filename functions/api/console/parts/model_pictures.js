/** The pictures of a model on its page: the samples that it came with, those that were asked for, and the form for more. */

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { isSamples } from "../lib/pictures.js";
import { setQuery } from "../lib/router.js";
import { trainerOf } from "../lib/trainers.js";
import { emptyState, notice } from "../lib/ui.js";
import { gallery } from "./gallery.js";
import { makePanel } from "./make_pictures.js";

const PAGE = 12;
const SAMPLES_MS = 1_500;
// after a training ended; what has not begun by then will not
const SAMPLES_WITHIN_MS = 120_000;

/**
 * The section, and the panel with the form.
 * @param {{model: Object, training: Object|null, query: URLSearchParams, signal: AbortSignal}} options
 * @returns {{element: HTMLElement, panel: HTMLElement, start: () => Promise<void>}}
 */
export function modelPictures({ model, training, query, signal }) {
  const path = `/v1/models/${encodeURIComponent(model.id)}/images`;
  const how = trainerOf(model.trainer)?.base_model.pictures ?? null;
  const waiting = h("div", { "aria-live": "polite" });
  const compare = how ? h("a.button.quiet.small", { href: `/models/${encodeURIComponent(model.id)}/compare` }, "Compare") : null;
  const panel = h("div.make-side");
  let samplesAreThere = false;
  const pictures = gallery({
    load: (cursor) => get(path, { query: { limit: PAGE, cursor }, signal }),
    none: () => emptyState("No pictures yet", how ? "Say what to show, and see what it learned." : "Nobody knows yet how to make pictures with this trainer's models."),
    showModel: false,
    onSets: (sets) => {
      samplesAreThere = sets.some(isSamples);
      if (samplesAreThere) fill(waiting);
    },
    signal,
  });
  const toForm = how ? h("a.button.quiet.small.to-form", { href: "#make-title" }, "Make pictures") : null;

  async function start() {
    const likeId = query.get("like");
    const [like] = await Promise.all([
      likeId ? get(`/v1/images/${encodeURIComponent(likeId)}`, { signal }).catch(() => null) : null, pictures.start(),
    ]);
    if (signal.aborted) return;
    setQuery({ like: null });
    if (how) fill(panel, makePanel({ model, pictures: how, like, signal, onMade: made }));
    if (like) document.getElementById("prompt")?.focus();
    awaitSamples();
    await pictures.open(query.get("picture"));
  }

  function made(set) {
    const known = pictures.knows(set.id);
    pictures.put(set);
    return known;
  }

  /** They are asked for a moment after the model is there. */
  function awaitSamples() {
    const until = Date.parse(model.trained_at) + SAMPLES_WITHIN_MS;
    const due = () => how && training?.samples > 0 && !samplesAreThere && !signal.aborted && Date.now() < until;
    if (!due()) return;
    fill(waiting, notice("note", "Sample pictures are being made", "They show what the model learned, and appear here by themselves."));
    const timer = setInterval(async () => {
      await pictures.refresh();
      if (due()) return;
      clearInterval(timer);
      fill(waiting);
    }, SAMPLES_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  const element = h("section.studio", { "aria-labelledby": "pictures-title" },
    h("div.section-head", {}, h("h2", { id: "pictures-title" }, "Pictures"), toForm, compare), waiting, pictures.element);
  return { element, panel, start };
}
