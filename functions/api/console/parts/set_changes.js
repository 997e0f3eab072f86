/** What can be done with a set of pictures that is there: more of its kind, the file, and deleting it. */

import { get, newKey, postOnce, request } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { answered, keyFor } from "../lib/drafts.js";
import { count } from "../lib/format.js";
import { ask, sentenceOf, toast } from "../lib/ui.js";
import { saveFile } from "./downloads.js";

/** Ask for the same with a new seed; a press that was not answered is the same press. Null where it was refused. */
export async function makeMore(set) {
  const name = `more:${set.id}`;
  try {
    const more = await postOnce(`${path(set)}/more`, undefined, keyFor(name, { like: set.id }, newKey));
    answered(name);
    toast(`${count(more.count, "picture")} like these with a new seed: on the way.`);
    return more;
  } catch (error) {
    if (error.status >= 400 && error.status < 500) answered(name);
    toast(sentenceOf(error));
    return null;
  }
}

/** Save one picture as a file. */
export async function savePicture(set, index) {
  try {
    saveFile((await get(`${path(set)}/download`)).files[index]);
  } catch (error) {
    toast(sentenceOf(error));
  }
}

/** Delete a set after a word about it; `onGone` hears of it once it was agreed to and done. */
export async function deleteSet(set, onGone) {
  const there = set.pictures.length;
  const what = there > 1 ? `these ${there} pictures` : there ? "this picture" : "this set";
  const body = [
    h("p", {}, there > 1 ? "They are one set, and go together: the pictures, and what they were asked for with." : "It goes with what it was asked for with."),
    h("p", {}, "This cannot be undone. What fal.ai billed stays billed."),
  ];
  if (!(await ask({ title: `Delete ${what}?`, body, confirm: "Delete for good", tone: "danger" }))) return;
  try {
    await request("DELETE", path(set));
    toast("Deleted.");
    onGone(set.id);
  } catch (error) {
    toast(sentenceOf(error));
    if (error.status === 404) onGone(set.id);
  }
}

function path(set) {
  return `/v1/images/${encodeURIComponent(set.id)}`;
}
