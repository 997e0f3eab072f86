/** All pictures that were made, with whichever model. */

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { modelTitle } from "../lib/format.js";
import { go } from "../lib/router.js";
import { emptyState } from "../lib/ui.js";
import { gallery } from "../parts/gallery.js";

const PAGE = 24;

/** The page; `?model=` shows the pictures of one model, `?picture=` opens one. */
export function galleryPage({ query, signal }) {
  const model = query.get("model");
  const path = model ? `/v1/models/${encodeURIComponent(model)}/images` : "/v1/images";
  const pictures = gallery({
    load: (cursor) => get(path, { query: { limit: PAGE, cursor }, signal }),
    none: () => emptyState("No pictures yet", "Pictures are made with a model: choose one, and say what to show.", h("a.button", { href: "/models" }, "Choose a model")),
    showModel: true,
    signal,
  });
  const filter = h("div.gallery-filter");
  void drawFilter(filter, model, signal);
  const head = h("div.page-head", {},
    h("div", {}, h("h1", {}, "Gallery"), h("p.lead", {}, "Every picture made with your models, the newest first.")), filter);
  const loaded = pictures.start().then(() => pictures.open(query.get("picture")));
  return { title: "Gallery", section: "gallery", body: h("div.page", {}, head, pictures.element), loaded };
}

async function drawFilter(filter, chosen, signal) {
  const page = await get("/v1/models", { query: { limit: 100 }, signal }).catch(() => null);
  if (!page?.items.length || signal.aborted) return;
  const named = page.items.map((model) => [model.id, `${modelTitle(model)} v${model.version}`]);
  const known = !chosen || named.some(([id]) => id === chosen);
  const options = [["", "All models"], ...named, ...(known ? [] : [[chosen, "The model in the address"]])];
  const select = h("select", { id: "model-filter" }, options.map(([id, title]) => h("option", { value: id }, title)));
  for (const [index, option] of [...select.options].entries()) option.value = options[index][0];
  select.value = chosen ?? "";
  select.addEventListener("change", () => go(select.value ? `/gallery?model=${encodeURIComponent(select.value)}` : "/gallery"));
  fill(filter, h("label", { for: "model-filter" }, "Made with"), select);
}
