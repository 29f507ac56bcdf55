// The gallery's shelf: finished pictures with all that was asked for, in the browser's own store. Shows
// nothing.

import { signal } from "../html.js";
import { looksOfImage } from "../media/drawing.js";
import { asked, read, write } from "../store/db.js";
import { matches } from "./finding.js";

/**
 * @typedef {{
 *   id: string, at: number, batch: string, place: number, layer: number|null, blob: Blob, thumb: Blob|null,
 *   width: number, height: number, type: string, bytes: number, seed: number|null,
 *   params: import("./wish.js").Wish & {resolved?: object}, sources: string[], took: object|null, memory:
 *   string|null,
 * }} Picture
 */

const STORE = "pictures";
const PAGE = 100;

/** Grows with each change, here or in another tab: whoever shows the gallery looks again. */
export const changes = signal(0);

const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("switchyard.pictures") : null;
if (channel) channel.onmessage = () => { changes.value += 1; };

function changed() {
  changes.value += 1;
  channel?.postMessage("changed");
}

/**
 * Keeps a picture; one that is kept already stays as it is.
 * @param {Omit<Picture, "thumb"|"width"|"height"|"type"|"bytes">} picture
 */
export async function keep(picture) {
  const looks = await looksOfImage(picture.blob);
  const record = { ...picture, ...looks, type: picture.blob.type, bytes: picture.blob.size };
  await write(STORE, (tx) => asked(tx.objectStore(STORE).put(record)));
  changed();
  return record;
}

/** @param {string} id @returns {Promise<Picture | undefined>} */
export const get = (id) => read(STORE, (tx) => asked(tx.objectStore(STORE).get(id)));

/** All ids, the newest first. */
export const ids = () => read(STORE, async (tx) => (
  (await asked(tx.objectStore(STORE).index("at").getAllKeys())).reverse()
));

/** The pictures of one order, as they were drawn. @param {string} batch @returns {Promise<Picture[]>} */
export const ofBatch = (batch) => read(STORE, async (tx) => (
  (await asked(tx.objectStore(STORE).index("batch").getAll(batch))).sort((a, b) => a.place - b.place)
));

/**
 * Ids of what matches, the newest first, told in portions.
 * @param {string} query
 * @param {(ids: string[]) => boolean} onSome answers whether to go on
 */
export async function search(query, onSome) {
  const all = await ids();
  for (let from = 0; from < all.length; from += PAGE) {
    const some = await Promise.all(all.slice(from, from + PAGE).map(get));
    const found = some.filter((one) => one && matches(one, query)).map((one) => one.id);
    if (!onSome(found)) return;
  }
}

/** @param {string[]} gone @returns {Promise<Picture[]>} what was there, so that it can be put back */
export async function remove(gone) {
  const were = (await Promise.all(gone.map(get))).filter(Boolean);
  await write(STORE, (tx) => {
    for (const id of gone) tx.objectStore(STORE).delete(id);
  });
  changed();
  return were;
}

/** @param {Picture[]} pictures as `remove` gave them */
export async function restore(pictures) {
  await write(STORE, (tx) => {
    for (const one of pictures) tx.objectStore(STORE).put(one);
  });
  changed();
}

/** Which of these files some picture was drawn after. @param {string[]} files */
export async function stillSources(files) {
  const used = new Set();
  for (const id of await ids()) {
    for (const source of (await get(id))?.sources ?? []) if (files.includes(source)) used.add(source);
  }
  return used;
}
