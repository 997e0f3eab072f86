/** Buttons that fetch a model's files. */

import { get } from "../lib/api.js";
import { h, icon, safeUrl } from "../lib/dom.js";
import { bytes } from "../lib/format.js";
import { busy, sentenceOf, toast } from "../lib/ui.js";

/** Every file of weights, and the configuration; the signed URL is asked for at the press, so it never is an old one. */
export function downloadButtons(model) {
  return [
    ...model.files.map((file, index) => download(model, (found) => found.files[index], downloadWords(file), "primary")),
    download(model, (found) => found.config, "Configuration", "quiet"),
  ];
}

function downloadWords({ part, size }) {
  return `Download weights${part ? `, ${part}` : ""} (${bytes(size)})`;
}

function download(model, of, words, tone) {
  const button = h(`button.${tone}`, { type: "button" }, icon("download"), words);
  button.addEventListener("click", () => busy(button, "Asking for the file", () => fetchFile(model, of)));
  return button;
}

async function fetchFile(model, of) {
  try {
    saveFile(of(await get(`/v1/models/${encodeURIComponent(model.id)}/download`)));
  } catch (error) {
    toast(sentenceOf(error));
  }
}

/** Have the browser save the file that is under a signed URL. */
export function saveFile(file) {
  const url = safeUrl(file?.url);
  if (!url) throw new Error("no URL of a file came");
  const link = h("a", { href: url, download: file.file_name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
}
