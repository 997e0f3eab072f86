/** All shoots as a grid of covers. */

import { getIfThere, get } from "../lib/api.js";
import { fill, h, icon, keyed } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { every, pagedList } from "../lib/paged_list.js";
import { remember, setQuery } from "../lib/router.js";
import { isEnded, percentOf, statusOf } from "../lib/stages.js";
import { announce, command, emptyState, pill, skeletons, thumbnail } from "../lib/ui.js";

const PAGE = 24;
const REFRESH_MS = 5_000;
const TYPING_MS = 250;

/** The start page. */
export function shootsPage({ query, signal }) {
  const grid = h("ul.covers", {}, skeletons(8, "cover-skeleton", "Loading your shoots"));
  const search = searchField(query.get("search") ?? "");
  let active = new Map();

  const list = pagedList({
    container: grid,
    signal,
    load: async (cursor) => {
      const [page, runs] = await Promise.all([
        get("/v1/shoots", { query: { limit: PAGE, cursor, search: search.value.trim() }, signal }),
        getIfThere("/v1/trainings", { query: { limit: 50 }, signal }).catch(() => null),
      ]);
      active = activeRuns(runs?.items ?? []);
      return page;
    },
    show: (shoots) => showShoots(grid, shoots.filter((shoot) => fits(shoot, search.value)), active, search.value),
  });

  let typing = 0;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      setQuery({ search: search.value.trim() });
      remember({ pages: 1 });
      void list.start().then(() => announce(`${count(grid.querySelectorAll("a").length, "shoot")} found`));
    }, TYPING_MS);
  });
  every(REFRESH_MS, list.refresh, signal);
  const head = h("div.page-head", {},
    h("div", {}, h("h1", {}, "Shoots"), h("p.lead", {}, "Choose a costume and train a LoRA from its pictures.")),
    h("label.search", {}, icon("search"), h("span.visually-hidden", {}, "Search shoots"), search));
  return { title: "Shoots", section: "shoots", body: h("div.page", {}, head, grid, list.foot), loaded: list.start() };
}

function searchField(value) {
  return h("input", { type: "search", name: "search", placeholder: "Costume or person", autocomplete: "off", value });
}

function activeRuns(trainings) {
  const running = trainings.filter((training) => !isEnded(training));
  return new Map(running.reverse().map((training) => [training.shoot_id, training]));
}

/** Also where the server does not search yet. */
function fits(shoot, text) {
  const wanted = text.trim().toLowerCase();
  return !wanted || [shoot.costume_name, shoot.person_id, shoot.id].some((part) => part.toLowerCase().includes(wanted));
}

function showShoots(grid, shoots, active, search) {
  if (!shoots.length) {
    fill(grid, h("li.whole", {}, search.trim() ? nothingFound(search.trim()) : noShoots()));
    grid._keyed = null;
    return;
  }
  const items = shoots.map((shoot) => ({ shoot, run: runFacts(active.get(shoot.id)) }));
  keyed(grid, items, (item) => item.shoot.id, drawCover);
}

/** Only what the cover shows, so that it is redrawn only then. */
function runFacts(training) {
  if (!training) return null;
  const percent = percentOf(training);
  const word = percent === null ? statusOf(training).word : `Training ${Math.floor(percent)} %`;
  return { word, tone: "active" };
}

function drawCover({ shoot, run }, before) {
  const model = shoot.latest_model;
  const state = run ? pill(run.word, run.tone) : model ? pill([h("span", {}, model.name), h("span", {}, `\u00a0v${model.version}`)], "good") : null;
  const captions = shoot.captioned_count === shoot.image_count ? "all captioned" : `${shoot.captioned_count} captioned`;
  const foot = [h("span.cover-state", {}, state),
    h("span.cover-name", {}, shoot.costume_name),
    h("span.cover-meta", {}, `${count(shoot.image_count, "picture")}${shoot.image_count ? `, ${captions}` : ""}`),
    h("span.cover-person", {}, shoot.person_id)];
  if (before && before.dataset.cover === coverKey(shoot)) {
    const link = before.querySelector("a");
    fill(link, link.firstChild, foot);
    return before;
  }
  const cover = thumbnail(shoot.cover_url, "", { shape: "portrait" });
  return h("li", { data: { cover: coverKey(shoot) } }, h("a.cover", { href: `/shoots/${shoot.id}` }, cover, foot));
}

/** Signed URLs differ each time: the picture stays while its path does. */
function coverKey(shoot) {
  return (shoot.cover_url ?? "").split("?")[0];
}

function noShoots() {
  return emptyState("No shoots yet",
    "Shoots come from the Costumes app. To bring a folder of pictures with captions, one .txt beside each picture:",
    command('lora shoots import FOLDER --costume "Red Riding Hood" --person anna'));
}

function nothingFound(search) {
  return emptyState("Nothing found", `No shoot is called “${search}”. Try fewer letters, or clear the search.`);
}
