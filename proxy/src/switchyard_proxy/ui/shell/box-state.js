// What a field for commands stands at: its line, the choice that is lit, the walk through old ones. Values
// only.

import { step } from "./line-history.js";

/** @param {boolean} isAlwaysOpen whether choices are offered before anything is typed, the first one lit */
export const begin = (isAlwaysOpen) => ({
  line: "", typed: "", at: -1, chosen: isAlwaysOpen ? 0 : -1, isOpen: isAlwaysOpen, isAlwaysOpen,
});

/** Another line, typed or taken from a choice. */
export const type = ({ isAlwaysOpen }, line) => ({
  ...begin(isAlwaysOpen), line, typed: line, isOpen: isAlwaysOpen || line.trim() !== "",
});

/** The next choice, from the last to the first; from none upward to the last. */
export const move = (box, by, count) => ({
  ...box, chosen: box.chosen < 0 && by < 0 ? count - 1 : (box.chosen + by + count) % count,
});

/** A line that was said before; -1 leads back to what was being typed. */
export const recall = (box, lines, by) => ({
  ...box, ...step(lines, box, by), chosen: box.isAlwaysOpen ? 0 : -1, isOpen: box.isAlwaysOpen,
});

/** Whether ↑ and ↓ walk through old lines rather than through choices. */
export const isWalking = (box, count) => box.at >= 0 || count === 0;

/** The choices out of the way, the line as it is. */
export const hide = (box) => (box.isAlwaysOpen ? box : { ...box, isOpen: false, chosen: -1 });
