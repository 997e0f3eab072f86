/** All models that are kept. */

import { get, getIfThere } from "../lib/api.js";
import { fill, h, keyed } from "../lib/dom.js";
import { ago, bytes, modelTitle, moment } from "../lib/format.js";
import { pagedList } from "../lib/paged_list.js";
import { samplePictures } from "../lib/samples.js";
import { emptyState, skeletons, thumbnail, time } from "../lib/ui.js";

const PAGE = 24;

/** The grid of models. */
export function modelsPage({ signal }) {
  const grid = h("ul.models", {}, skeletons(4, "model-skeleton", "Loading your models"));
  const samples = samplePictures(signal);
  let covers = new Map();
  const list = pagedList({
    container: grid,
    signal,
    load: async (cursor) => {
      const [page, shoots] = await Promise.all([
        get("/v1/models", { query: { limit: PAGE, cursor }, signal }),
        covers.size ? null : getIfThere("/v1/shoots", { query: { limit: 100 }, signal }).catch(() => null),
      ]);
      if (shoots) covers = new Map(shoots.items.map((shoot) => [shoot.id, shoot]));
      return page;
    },
    show: async (models) => {
      showModels(grid, models, covers, samples);
      if (await samples.learn(models.map((model) => model.training_id))) showModels(grid, models, covers, samples);
    },
  });
  const head = h("div.page-head", {},
    h("div", {}, h("h1", {}, "Models"), h("p.lead", {}, "Yours and kept: weights and configuration, whole and verified.")));
  return { title: "Models", section: "models", body: h("div.page", {}, head, grid, list.foot), loaded: list.start() };
}

function showModels(grid, models, covers, samples) {
  if (models.length) {
    const items = models.map((model) => ({ model, shoot: covers.get(model.shoot_id) ?? null, sample: samples.of(model.training_id) }));
    return keyed(grid, items, (item) => item.model.id, drawModel);
  }
  grid._keyed = null;
  const none = emptyState("No models yet", "A model is what a training leaves behind.", h("a.button", { href: "/" }, "Choose a shoot"));
  return fill(grid, h("li.whole", {}, none));
}

/** What it makes says more than what it was made of. */
function drawModel({ model, shoot, sample }) {
  return h("li", {}, h("a.model", { href: `/models/${model.id}` },
    thumbnail(sample ?? shoot?.cover_url, "", { shape: "square" }),
    h("span.model-words", {},
      h("strong", {}, modelTitle(model), " ", h("span.version", {}, `v${model.version}`)),
      h("span", {}, [shoot?.costume_name, model.person_id].filter(Boolean).join(", ")),
      h("span.row-sub", {}, h("code", {}, model.trigger_word), ` ${bytes(model.files.reduce((sum, file) => sum + file.size, 0))}`),
      h("span.row-sub", {}, time(model.trained_at, ago(model.trained_at), moment(model.trained_at))))));
}
