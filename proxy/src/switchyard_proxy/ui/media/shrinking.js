// A smaller copy of a kept picture. The large one stays until its owner lets it go, so that this can be
// undone.

import { looksOfImage, redrawn } from "./drawing.js";
import { itemOf } from "./intake.js";
import { within } from "./sizes.js";
import { fileStore } from "./store.js";

/**
 * @param {import("./intake.js").MediaItem} item
 * @param {{width: number, height: number} | {side?: number, pixels?: number}} limits a size, or what it must
 *   stay in
 * @returns {Promise<import("./intake.js").MediaItem>} the same item with another file
 */
export async function shrink(item, limits) {
  const file = await fileStore.get(item.file);
  const size = "width" in limits ? limits : within(file.width, file.height, limits);
  const blob = await redrawn(file.blob, size);
  const small = await fileStore.put(blob, { kind: "image", name: file.name, ...(await looksOfImage(blob)) });
  return { ...itemOf(small), id: item.id, label: item.label };
}
