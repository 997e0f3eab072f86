/** What is wrong with a dataset, before it costs anything: errors first, each with its file and what to do. */

import { getIfThere } from "../lib/api.js";
import { fill, h, icon } from "../lib/dom.js";
import { count, stem } from "../lib/format.js";
import { notice, sentenceOf, skeletons } from "../lib/ui.js";

const TYPING_MS = 350;
const SHOWN = 6;
const OF_A_KIND = 2;
const MINIMUM_IMAGES = 4;

/**
 * The report of a shoot.
 * @param {{shoot: Object, draft: Object, signal: AbortSignal, focusPicture: (file: string) => void,
 *   onResult: (result: {blocked: string|null}) => void}} options
 * @returns {{element: HTMLElement, ask: (settings: {trigger: string, trainer: string}) => void, captionsChanged: () => void}}
 */
export function datasetReport({ shoot, draft, signal, focusPicture, onResult }) {
  const result = h("div.report-body", {}, skeletons(1, "report-skeleton", "Checking the pictures and captions"));
  const element = h("section.report", { "aria-label": "Dataset report" }, result);
  let timer = 0;
  let asked = null;
  let report = null;
  let settings = null;
  let all = false;

  function ask({ trigger, trainer }) {
    settings = { trigger, trainer };
    const wanted = JSON.stringify([trigger, trainer, draft.without]);
    if (wanted === asked) return;
    const first = asked === null;
    asked = wanted;
    clearTimeout(timer);
    timer = setTimeout(() => void load(trigger, trainer, wanted), first ? 0 : TYPING_MS);
  }

  async function load(trigger, trainer, wanted) {
    const query = { trigger_word: trigger, trainer, without: draft.without };
    try {
      const got = await getIfThere(`/v1/shoots/${encodeURIComponent(shoot.id)}/report`, { query, signal });
      if (signal.aborted || wanted !== asked) return;
      report = got ?? counted(shoot);
      draw();
    } catch (error) {
      if (signal.aborted || wanted !== asked) return;
      report = counted(shoot);
      fill(result, notice("warn", "The pictures could not be checked", sentenceOf(error)));
      onResult({ blocked: blockedBy(report, draft) });
    }
  }

  function draw() {
    if (!report) return;
    onResult({ blocked: blockedBy(report, draft) });
    const findings = [...report.findings].sort((a, b) => rank(a) - rank(b));
    if (!findings.length) return void fill(result, allWell(report));
    const shown = all ? findings : someOfEachKind(findings).slice(0, SHOWN);
    const items = shown.map((finding) => drawFinding(finding, draft, focusPicture));
    const more = h("button.quiet.small", { type: "button" }, `Show all ${findings.length}`);
    more.addEventListener("click", () => {
      all = true;
      draw();
    });
    fill(result, h("h2", {}, heading(findings)), h("ul.findings", {}, items), shown.length < findings.length ? more : null);
  }

  /** A caption was changed, or a picture left out. */
  function captionsChanged() {
    draw();
    if (settings) ask(settings);
  }

  return { element, ask, captionsChanged };
}

function rank(finding) {
  return finding.severity === "error" ? 0 : 1;
}

/** What is wrong with every picture hides nothing else, and does not push the form out of sight. */
function someOfEachKind(findings) {
  const seen = new Map();
  return findings.filter(({ code }) => {
    seen.set(code, (seen.get(code) ?? 0) + 1);
    return seen.get(code) <= OF_A_KIND;
  });
}

function heading(findings) {
  const errors = findings.filter((finding) => finding.severity === "error").length;
  const warnings = findings.length - errors;
  const parts = [errors ? count(errors, "problem") : null, warnings ? count(warnings, "hint") : null];
  return parts.filter(Boolean).join(" and ");
}

function drawFinding(finding, draft, focusPicture) {
  const isError = finding.severity === "error";
  const isEdited = finding.file && stem(finding.file) in draft.captions;
  const words = h("span", {}, h("span.visually-hidden", {}, isError ? "Problem: " : "Hint: "), finding.message,
    isEdited ? h("em", {}, " You changed this caption for the next run.") : null);
  const mark = icon(isError ? "error" : "warning");
  if (!finding.file) return h(`li.finding.${finding.severity}`, {}, h("div", {}, mark, words));
  const button = h("button", { type: "button", title: `Go to ${finding.file}` }, mark, words);
  button.addEventListener("click", () => focusPicture(finding.file));
  return h(`li.finding.${finding.severity}`, {}, button);
}

function allWell(report) {
  const missing = report.image_count - report.captioned_count;
  const words = missing ? `${count(missing, "picture")} without a caption, which is allowed.` : "Every picture has a caption.";
  return h("p.all-well", {}, icon("check"), h("span", {}, `${count(report.image_count, "picture")}, nothing to mend. ${words}`));
}

/** Why it cannot be trained; null where it can. A caption that was changed for the run no longer stands in the way. */
function blockedBy(report, draft) {
  const errors = report.findings.filter((finding) => finding.severity === "error");
  const left = errors.filter((finding) => !(finding.code === "invalid_caption" && stem(finding.file ?? "") in draft.captions));
  if (left.length) return left[0].message;
  return report.blocking && !errors.length ? "The dataset cannot be trained on as it is." : null;
}

/** What can be said from the shoot alone, where the server does not report. */
function counted(shoot) {
  const findings = [];
  if (shoot.image_count < MINIMUM_IMAGES) {
    const message = `The shoot has ${count(shoot.image_count, "picture")} and a training needs at least ${MINIMUM_IMAGES}: add pictures.`;
    findings.push({ severity: "error", code: "too_few_images", file: null, message });
  }
  return { ...shoot, blocking: findings.length > 0, findings };
}
