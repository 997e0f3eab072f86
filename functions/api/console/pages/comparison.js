/** A comparison: versions below each other, scales side by side, and the same picture of each. */

import { get } from "../lib/api.js";
import { fill, h, setText } from "../lib/dom.js";
import { ago, money, moment } from "../lib/format.js";
import { oneForEachCell, priceOfSets, scaleWords, sizeWords } from "../lib/pictures.js";
import { isEnded } from "../lib/stages.js";
import { go, setTitle } from "../lib/router.js";
import { breadcrumb, notice, sentenceOf, showProblem, skeletons, time, toast } from "../lib/ui.js";
import { watchSets } from "../lib/watch_sets.js";
import { comparisonGrid } from "../parts/comparison_grid.js";

/** The page of a comparison; it can be reloaded and sent to oneself. */
export function comparisonPage({ params, query, signal }) {
  const path = `/v1/comparisons/${encodeURIComponent(params.id)}`;
  const body = h("div.page", {},
    h("div.page-head", {}, h("div", {}, breadcrumb(["Gallery", "/gallery"]), h("h1", {}, h("span.skeleton.line")))),
    h("div.card", {}, skeletons(1, "facts-skeleton", "Loading the comparison")));
  const loaded = get(path, { signal }).then(
    (comparison) => signal.aborted || show(body, comparison, query, signal),
    (error) => signal.aborted || showProblem(body, "This comparison cannot be shown", error),
  );
  return { title: "Comparison", section: "gallery", body, loaded };
}

function show(body, { id, asked, items }, query, signal) {
  let sets = items;
  const [first] = sets;
  const facts = h("span");
  const gone = h("p.row-sub", { "aria-live": "polite" });
  const state = h("p.row-sub.compared-state", { "aria-live": "polite" });
  const lost = h("div", { hidden: true }, notice("warn", "Connection lost", "Trying again. The pictures are made meanwhile, and this page will catch up."));
  const grid = comparisonGrid({ signal, onSet: put, onGone: drop });
  const watched = watchSets({ signal, onSet: put, onGone: drop, onConnection: (there) => (lost.hidden = there), onProblem: (error) => toast(sentenceOf(error)) });

  function put(set) {
    const known = sets.some((each) => each.id === set.id);
    // more like one of these is no part of the comparison
    if (!known && set.group_id !== id) return go(`/models/${encodeURIComponent(set.model_id)}`);
    sets = oneForEachCell(known ? sets.map((each) => (each.id === set.id ? set : each)) : [...sets, set]);
    return draw();
  }

  function drop(dropped) {
    sets = sets.filter((each) => each.id !== dropped);
    if (sets.length) draw();
    else go("/gallery");
  }

  function draw() {
    const done = sets.filter(isEnded).length;
    setText(facts, about(sets, asked));
    setText(gone, missing(sets.length, asked));
    setText(state, done < sets.length ? `${done} of ${sets.length} sets are there.` : "");
    grid.show(sets);
    watched.watch(sets);
  }

  setTitle(`Comparison: ${first.prompt}`);
  fill(body,
    h("div.page-head", {},
      h("div", {}, breadcrumb(["Gallery", "/gallery"]), h("h1", {}, "Comparison"), h("p.lead.compared-prompt", {}, first.prompt),
        h("p.row-sub", {}, facts, time(first.created_at, ago(first.created_at), moment(first.created_at))), gone, state),
      h("div.actions", {}, h("a.button.quiet.small", { href: `/models/${encodeURIComponent(first.model_id)}/compare?again=${encodeURIComponent(id)}` }, "Change and compare"))),
    lost, grid.element);
  draw();
  grid.open(query.get("picture"));
}

function about(sets, asked) {
  const [first] = sets;
  const price = priceOfSets(sets);
  const cost = price === null ? "" : `${money(price)} ${sets.length === asked ? "in all" : "for what is here"}, `;
  const scales = new Set(sets.map((set) => set.scale));
  const scale = scales.size === 1 ? `scale ${scaleWords(first.scale)}, ` : "";
  return `Seed ${first.seed}, ${scale}${sizeWords(first.size)}, ${cost}`;
}

/** That there were more sets once; nothing where there were not, and where nobody noted how many. */
function missing(there, asked) {
  if (!asked || there >= asked) return "";
  const are = asked - there === 1 ? "is" : "are";
  return `${asked - there} of its ${asked} sets ${are} not here: deleted since, alone or with a version, or never begun.`;
}
