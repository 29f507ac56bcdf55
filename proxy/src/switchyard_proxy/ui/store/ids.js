// Names for what is kept: they sort by the time at which they were made, and work on plain HTTP, too.

const SIGNS = "0123456789abcdefghijklmnopqrstuvwxyz";
let last = 0;

/**
 * Later names sort after earlier ones, even within a millisecond.
 * @param {number} [now] milliseconds
 */
export function newId(now = Date.now()) {
  last = Math.max(now, last + 1);
  const dice = crypto.getRandomValues(new Uint8Array(8));
  return last.toString(36).padStart(9, "0") + Array.from(dice, (byte) => SIGNS[byte % 36]).join("");
}
