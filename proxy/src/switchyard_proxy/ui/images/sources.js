// Files of edits that nobody refers to any more are deleted: no picture, no order, no form.

import { fileStore } from "../media/index.js";
import { wish } from "./draft.js";
import { orders } from "./orders.js";
import { stillSources } from "./pictures.js";

/** @param {{sources: string[]}[]} pictures that are deleted for good */
export async function forget(pictures) {
  const files = [...new Set(pictures.flatMap((one) => one.sources ?? []))];
  if (files.length === 0) return;
  const kept = await stillSources(files);
  const used = new Set([...wish.peek().references, ...orders.peek().flatMap((one) => one.wish.references)]);
  await fileStore.remove(files.filter((id) => !kept.has(id) && !used.has(id)));
}
