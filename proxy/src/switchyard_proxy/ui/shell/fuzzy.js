// How well a few typed letters fit a name. Values only.

const WHOLE = 16;
const BOUNDARY = /[\s\-_./:]/;

/**
 * @param {string} wanted what was typed
 * @param {string} text
 * @returns {{score: number, at: number[]} | null} where the letters are; null: not all are there in order
 */
export function fuzzy(wanted, text) {
  const needle = wanted.toLowerCase().replace(/\s+/g, "");
  const hay = text.toLowerCase();
  if (needle === "") return { score: 0, at: [] };
  const whole = hay.indexOf(needle);
  if (whole >= 0) return together(span(whole, needle.length), hay);
  const at = [];
  for (const letter of needle) {
    const next = hay.indexOf(letter, at.length ? at.at(-1) + 1 : 0);
    if (next < 0) return null;
    at.push(next);
  }
  return { score: scoreOf(at, hay), at };
}

const together = (at, hay) => ({ score: scoreOf(at, hay) + WHOLE, at });
const span = (start, length) => Array.from({ length }, (_, index) => start + index);

function scoreOf(at, hay) {
  const points = at.map((place, index) => {
    const isStart = place === 0 || BOUNDARY.test(hay[place - 1]);
    return 1 + (place === 0 ? 6 : isStart ? 4 : 0) + (index > 0 && at[index - 1] === place - 1 ? 3 : 0);
  });
  return points.reduce((sum, point) => sum + point, 0) - hay.length * 0.05;
}

/** The best first; what fits equally well stays in its order. */
export function ranked(wanted, items, textOf = String) {
  return items
    .map((item) => ({ item, fit: fuzzy(wanted, textOf(item)) }))
    .filter(({ fit }) => fit !== null)
    .sort((left, right) => right.fit.score - left.fit.score)
    .map(({ item, fit }) => ({ item, at: fit.at }));
}
