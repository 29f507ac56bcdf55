// One path for every file, whether dropped, pasted or picked: what is it, can it be shown, and keep it. In
// order. It tells what it refused and why; whoever asked tells the user.

import { Undrawable, looksOfImage, looksOfVideo, readable } from "./drawing.js";
import { HEAD_BYTES, kindOf } from "./kinds.js";
import { fileStore } from "./store.js";

const MOST_TEXT = 2 * 1024 * 1024; // a text of this size is beyond any model's context

/**
 * @typedef {{id: string, kind: "image" | "video", file: string, label: string | null, name: string, size:
 *   number, width: number | null, height: number | null, seconds: number | null}} MediaItem
 * @typedef {{kind: "text", name: string, text: string}} TextItem
 * @typedef {{name: string, reason: string}} Refusal `reason`: empty, audio, pdf, unknown, heic, broken, long,
 *   kind, full
 */

/**
 * Takes files in, one by one and in order.
 * @param {File[]} files
 * @param {{kinds?: ("image" | "video" | "text")[], onProgress?: (done: number, all: number) => void}}
 *   [options]
 * @returns {Promise<{items: (MediaItem | TextItem)[], refused: Refusal[]}>}
 */
export async function takeIn(files, { kinds = ["image", "video", "text"], onProgress } = {}) {
  const items = [];
  const refused = [];
  for (const [at, file] of files.entries()) {
    onProgress?.(at, files.length);
    try {
      items.push(await taken(file, kinds));
    } catch (error) {
      if (!(error instanceof NotTaken)) throw error;
      refused.push({ name: file.name, reason: error.message });
    }
  }
  onProgress?.(files.length, files.length);
  return { items, refused };
}

/**
 * What a composer keeps of a stored file.
 * @param {import("./store.js").StoredFile} file
 * @returns {MediaItem}
 */
export const itemOf = ({ id, kind, name, size, width, height, seconds }) => ({
  ...{ id: `m-${id}`, kind, file: id, label: null, name, size, width, height, seconds },
});

class NotTaken extends Error {}

async function taken(file, kinds) {
  const head = await readHead(file);
  const what = kindOf({ name: file.name, type: file.type, head, size: file.size });
  if (what.kind === "refused") throw new NotTaken(what.reason);
  if (!kinds.includes(what.kind)) throw new NotTaken("kind");
  if (what.kind === "text") return textItem(file);
  const blob = what.redraw ? await madeReadable(file, what.type) : file.slice(0, file.size, what.type);
  return itemOf(await kept(blob, { kind: what.kind, name: file.name }, await looksOf(blob, what.kind)));
}

// A file may have been changed or taken away since it was picked.
async function readHead(file) {
  try {
    return new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  } catch {
    throw new NotTaken("gone");
  }
}

async function textItem(file) {
  if (file.size > MOST_TEXT) throw new NotTaken("long");
  return { kind: "text", name: file.name, text: await file.text() };
}

async function madeReadable(file, type) {
  try {
    return await readable(file.slice(0, file.size, type));
  } catch (error) {
    throw refusal(error, type === "image/heic" ? "heic" : "broken");
  }
}

async function looksOf(blob, kind) {
  try {
    return await (kind === "image" ? looksOfImage(blob) : looksOfVideo(blob));
  } catch (error) {
    // Servers read more than browsers show: such a file goes without a thumbnail.
    if (kind === "video" || blob.type === "image/tiff") return { thumb: null };
    throw refusal(error, "broken");
  }
}

async function kept(blob, facts, looks) {
  try {
    return await fileStore.put(blob, { ...facts, ...looks });
  } catch (error) {
    if (error?.name === "QuotaExceededError") throw new NotTaken("full");
    throw error;
  }
}

const refusal = (error, reason) => (error instanceof Undrawable ? new NotTaken(reason) : error);
