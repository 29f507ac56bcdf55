// Masks between reloads: one for each image, as strokes. It neither paints nor decides.

import { signal } from "../html.js";
import { asked, read, write } from "../store/db.js";
import { EMPTY, revived, standing } from "./mask/strokes.js";

const STORE = "masks";

/** Masks that were looked at, by the image's file: `{[file]: mask}`. */
export const masks = signal({});

/** @param {string} file @returns {Promise<import("./mask/strokes.js").Mask>} */
export async function load(file) {
  if (!masks.peek()[file]) {
    const kept = await read(STORE, (tx) => asked(tx.objectStore(STORE).get(file)));
    masks.value = { ...masks.peek(), [file]: revived(kept?.mask) };
  }
  return masks.peek()[file];
}

/** @param {string} file @param {import("./mask/strokes.js").Mask} mask */
export async function keep(file, mask) {
  masks.value = { ...masks.peek(), [file]: mask };
  await write(STORE, (tx) => {
    tx.objectStore(STORE).put({ id: file, mask });
    tx.commit?.(); // in this moment: the page may be left in the next one
  });
}

/** @param {string} file */
export const isEmpty = (file) => standing(masks.value[file] ?? EMPTY).length === 0;
