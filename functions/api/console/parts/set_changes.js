/** What can be done with a set of pictures that is there: more of its kind, the file, and deleting it. */

import { get, newKey, postOnce, request } from "../lib/api.js";
import { answered, keyFor, refused } from "../lib/drafts.js";
import { count } from "../lib/format.js";
import { focusHeading } from "../lib/router.js";
import { sentenceOf, toast } from "../lib/ui.js";
import { saveFile } from "./downloads.js";
import { agreed } from "./erase.js";

/** Ask for the same with a new seed; a press that was not answered is the same press. Null where it was refused. */
export async function makeMore(set) {
  const name = `more:${set.id}`;
  try {
    const more = await postOnce(`${path(set)}/more`, undefined, keyFor(name, { like: set.id }, newKey));
    toast(`${count(more.count, "picture")} like these with a new seed: on the way.`);
    answered(name);
    return more;
  } catch (error) {
    refused(name, error);
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

/** Delete a set after showing what goes; `onGone` hears of it once that is on its way. */
export async function deleteSet(set, onGone) {
  try {
    const plan = await get("/v1/erasures/plan", { query: { subject: "images", subject_id: set.id } });
    if (!(await agreed(plan, "these pictures"))) return;
    await request("DELETE", path(set));
    toast("They are being deleted. The receipt is on the page of your data.");
    gone(set, onGone);
  } catch (error) {
    toast(sentenceOf(error));
    if (error.status === 404) gone(set, onGone);
  }
}

function gone(set, onGone) {
  onGone(set.id);
  // what was pressed went with the set
  if (document.activeElement === document.body) focusHeading();
}

function path(set) {
  return `/v1/images/${encodeURIComponent(set.id)}`;
}
