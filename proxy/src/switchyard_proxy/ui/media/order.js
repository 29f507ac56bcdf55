// Lists whose order matters: moving, taking out, putting back. Pure; every function returns a new list.

/**
 * @template T
 * @param {T[]} list
 * @param {number} from
 * @param {number} to where it stands afterwards; beyond an end means at that end
 * @returns {T[]}
 */
export function moved(list, from, to) {
  if (from < 0 || from >= list.length) return list;
  const target = Math.max(0, Math.min(to, list.length - 1));
  if (target === from) return list;
  const rest = list.filter((_, at) => at !== from);
  return [...rest.slice(0, target), list[from], ...rest.slice(target)];
}

/**
 * @template T
 * @param {T[]} list
 * @param {number} at
 * @param {T[]} added
 */
export const inserted = (list, at, added) => [...list.slice(0, at), ...added, ...list.slice(at)];

/**
 * Without the one of that id.
 * @template {{id: string}} T
 * @param {T[]} list
 * @param {string} id
 */
export const without = (list, id) => list.filter((each) => each.id !== id);

/**
 * Puts back what was taken out: behind the one that it followed, if that is still there, or else where it
 * stood.
 * @template {{id: string}} T
 * @param {T[]} list as it is now
 * @param {T[]} before as it was
 * @param {T} one
 */
export function restored(list, before, one) {
  if (list.some((each) => each.id === one.id)) return list;
  const stood = before.findIndex((each) => each.id === one.id);
  for (let at = stood - 1; at >= 0; at -= 1) {
    const found = list.findIndex((each) => each.id === before[at].id);
    if (found >= 0) return inserted(list, found + 1, [one]);
  }
  return inserted(list, 0, [one]);
}

/**
 * Where among boxes that stand in rows something let go at (x, y) belongs: the index that it gets.
 * @param {{left: number, top: number, width: number, height: number}[]} boxes in order
 * @param {number} x
 * @param {number} y
 * @param {number} from the one that is being moved
 */
export function slotAt(boxes, x, y, from) {
  const slot = boxes.findIndex(
    ({ left, top, width, height }) => y < top || (y < top + height && x < left + width / 2),
  );
  const gap = slot < 0 ? boxes.length : slot;
  return gap > from ? gap - 1 : gap;
}
