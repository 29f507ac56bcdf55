// A mask as data: what was done to it, in the picture's pixels, with everything undone kept. Pure.

/**
 * @typedef {{kind: "brush"|"erase", size: number, points: number[]}} Stroke `points`: x, y, x, y …
 * @typedef {Stroke | {kind: "invert"} | {kind: "clear"} | {kind: "fill"}} Deed
 * @typedef {{deeds: Deed[], undone: Deed[]}} Mask
 */

/** @type {Readonly<Mask>} */
export const EMPTY = Object.freeze({ deeds: [], undone: [] });

/** @param {Mask} mask @param {Deed} deed @returns {Mask} */
export function done(mask, deed) {
  if (changesNothing(mask, deed)) return mask;
  return { deeds: [...mask.deeds, deed], undone: [] };
}

/** On a mask that marks nothing there is nothing to erase or clear; a stroke without a point is none. */
function changesNothing(mask, deed) {
  const bare = standing(mask).length === 0;
  if (deed.kind === "clear" || deed.kind === "erase") return bare;
  return deed.kind === "brush" && deed.points.length === 0;
}

/** @param {Mask} mask @returns {Mask} */
export function undo(mask) {
  const last = mask.deeds.at(-1);
  return last ? { deeds: mask.deeds.slice(0, -1), undone: [...mask.undone, last] } : mask;
}

/** @param {Mask} mask @returns {Mask} */
export function redo(mask) {
  const last = mask.undone.at(-1);
  return last ? { deeds: [...mask.deeds, last], undone: mask.undone.slice(0, -1) } : mask;
}

/**
 * The deeds that still count: none before the last that wiped everything.
 * @param {Mask} mask
 * @returns {Deed[]}
 */
export function standing(mask) {
  const cleared = mask.deeds.findLastIndex((deed) => deed.kind === "clear");
  return mask.deeds.slice(cleared + 1);
}

/**
 * A point more, unless it is where the last one was.
 * @param {Stroke} stroke @param {{x: number, y: number}} at @returns {Stroke}
 */
export function extended(stroke, at) {
  const { points } = stroke;
  if (points.at(-2) === at.x && points.at(-1) === at.y) return stroke;
  return { ...stroke, points: [...points, at.x, at.y] };
}

/** Whatever was kept, if it is a mask. @param {any} kept @returns {Mask} */
export function revived(kept) {
  const { deeds, undone } = kept ?? {};
  return Array.isArray(deeds) && Array.isArray(undone) ? { deeds, undone } : EMPTY;
}
