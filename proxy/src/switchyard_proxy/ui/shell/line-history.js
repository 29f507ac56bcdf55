// What was typed on the command line before: kept in this browser, walked with ↑ and ↓.

const PLACE = "switchyard.lines";
const LIMIT = 100;

/** @returns {string[]} the oldest first */
export function readLines() {
  try {
    const lines = JSON.parse(localStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(lines) ? lines.filter((line) => typeof line === "string") : [];
  } catch {
    return [];
  }
}

/** The list with one more line; said again, a line moves to the end. */
export const withLine = (lines, line) => [...lines.filter((one) => one !== line), line].slice(-LIMIT);

export function keepLine(line) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(withLine(readLines(), line)));
  } catch { /* full, or switched off */ }
}

/**
 * A walk through the lines. `at` counts from the newest; -1 is what was being typed.
 * @returns {{at: number, line: string}}
 */
export function step(lines, { at, typed }, by) {
  const next = Math.max(-1, Math.min(lines.length - 1, at + by));
  return { at: next, line: next < 0 ? typed : lines.at(-1 - next) };
}
