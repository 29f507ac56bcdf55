// Which messages of a long branch stand in the page: a window that slides over what was read from the store.
// Pure.

export const PAGE = 50;
export const LARGEST = 200; // more than this in the page makes every layout slow

/** The newest page of `count` messages. */
export const atEnd = (count) => ({ from: Math.max(0, count - PAGE), to: count });

/** One page further up. @param {{from: number, to: number}} shown */
export function upward({ from, to }) {
  const top = Math.max(0, from - PAGE);
  return { from: top, to: Math.min(to, top + LARGEST) };
}

/** One page further down. @param {{from: number, to: number}} shown @param {number} count */
export function downward({ from, to }, count) {
  const end = Math.min(count, to + PAGE);
  return { from: Math.max(from, end - LARGEST), to: end };
}

/** After `added` messages were read in before the first. */
export const shifted = ({ from, to }, added) => ({ from: from + added, to: to + added });

/** A window around one message. */
export function around(at, count) {
  const from = Math.max(0, at - PAGE / 2);
  return { from, to: Math.min(count, from + PAGE) };
}
