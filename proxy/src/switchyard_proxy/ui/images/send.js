// From the form to the queue: the mask is made, the order placed, what is wrong is told.

import { t } from "../i18n/index.js";
import { fileStore } from "../media/index.js";
import { toast } from "../shell/toast.js";
import { whyNot } from "./abilities.js";
import { change, items } from "./draft.js";
import { exported } from "./mask/paint.js";
import { load } from "./masks.js";
import { place } from "./orders.js";

/**
 * @param {import("./wish.js").Wish} now
 * @param {import("./abilities.js").Abilities} can
 * @returns {Promise<boolean>} whether it is in the queue
 */
export async function submit(now, can) {
  try {
    const mask = await maskFor(now, can);
    const wish = { ...now, seed: now.locked ? now.seed : null, masked: Boolean(mask) };
    const order = await place(wish, { mask, shape: shapeOf(now) });
    change({ seed: order.seed, model: now.model });
    return true;
  } catch (error) {
    const key = error?.name === "QuotaExceededError" ? "images.said.full" : "images.said.not-placed";
    toast({ text: t(key, { reason: error?.message ?? "" }), kind: "err" });
    return false;
  }
}

function shapeOf(now) {
  const [item] = now.mode === "edit" ? items.peek() : [];
  return item?.width ? { width: item.width, height: item.height } : null;
}

/** The first image's mask in its size, if there is one and the model reads it. */
async function maskFor(now, can) {
  if (now.mode !== "edit" || !now.masked || whyNot(can, "mask", now.references.length)) return null;
  const [item] = items.peek();
  const { width, height } = await fileStore.get(item.file);
  return exported(await load(item.file), { width, height });
}
