// How each phase looks: a glyph, a tone for its colour, whether it is in motion. Its word is a string of the
// page's language (`models.phase.<phase>`), as colour and glyph alone tell nobody who does not see them.

const LOOKS = {
  stopped: ["○", "dim", false],
  starting: ["◔", "info", true],
  loading: ["◔", "info", true],
  warming: ["◑", "info", true],
  ready: ["●", "ok", false],
  draining: ["◌", "warn", true],
  sleeping: ["☾", "dim", true],
  asleep: ["☾", "dim", false],
  waking: ["◔", "info", true],
  stopping: ["◌", "warn", true],
  failed: ["✕", "err", false],
  stop_failed: ["✕", "err", false],
};
const UNKNOWN = ["?", "dim", false];

/** Every phase that a manager tells of, in the order of a life. */
export const PHASES = Object.freeze(Object.keys(LOOKS));

/** @param {string} phase */
export function glyphOf(phase) {
  return (LOOKS[phase] ?? UNKNOWN)[0];
}

/** `ok`, `info`, `warn`, `err` or `dim`: names of colours in css/themes.css. @param {string} phase */
export function toneOf(phase) {
  return (LOOKS[phase] ?? UNKNOWN)[1];
}

/** Whether something is under way that ends by itself. @param {string} phase */
export function isInMotion(phase) {
  return (LOOKS[phase] ?? UNKNOWN)[2];
}

/** Whether it is on its way to serving. @param {string} phase */
export function isComingUp(phase) {
  return toneOf(phase) === "info";
}
