/** Buttons that fetch a model's files. */

import { get } from "../lib/api.js";
import { h, icon, safeUrl } from "../lib/dom.js";
import { bytes } from "../lib/format.js";
import { busy, sentenceOf, toast } from "../lib/ui.js";

/** Weights and configuration; the signed URL is asked for at the press, so it never is an old one. */
export function downloadButtons(model) {
  return [
    download(model, "weights", `Download weights (${bytes(model.size)})`, "primary"),
    download(model, "config", "Configuration", "quiet"),
  ];
}

function download(model, file, words, tone) {
  const button = h(`button.${tone}`, { type: "button" }, icon("download"), words);
  button.addEventListener("click", () => busy(button, "Asking for the file", () => fetchFile(model, file)));
  return button;
}

async function fetchFile(model, file) {
  try {
    const files = await get(`/v1/models/${encodeURIComponent(model.id)}/download`);
    const url = safeUrl(files[file]?.url);
    if (!url) throw new Error("no URL of a file came");
    const link = h("a", { href: url, download: files[file].file_name, hidden: true });
    document.body.append(link);
    link.click();
    link.remove();
  } catch (error) {
    toast(sentenceOf(error));
  }
}
