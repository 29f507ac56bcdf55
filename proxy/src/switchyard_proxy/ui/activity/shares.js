// Sums of requests by model, key, route or hour, in the order that somebody wants. Pure.

const SPANS = ["first_s", "total_s", "queue_s", "load_s"];
const SUMMED = ["requests", "errors", "tokens_in", "tokens_out", "cached"];
export const COLUMNS = ["name", "requests", "errors", "tokens_in", "tokens_out", "speed", ...SPANS];
export const SPREAD = new Set(SPANS);

const name = (share, by) => share[by];

/** What a column shows of a share, as a value to compare. */
export function valueOf(share, column, by) {
  if (column === "name") return name(share, by);
  if (column === "speed") return share.tokens_per_second;
  return SPREAD.has(column) ? share.spreads[column]?.p50 ?? null : share[column];
}

/**
 * @param {object[]} shares
 * @param {{column: string, up: boolean}} order
 * @param {string} by what they are grouped by
 */
export function sorted(shares, { column, up }, by) {
  const sign = up ? 1 : -1;
  return [...shares].sort((one, other) => {
    const [a, b] = [valueOf(one, column, by), valueOf(other, column, by)];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  });
}

/** All of them together. */
export function total(shares) {
  const sum = (column) => shares.reduce((before, share) => before + share[column], 0);
  return Object.fromEntries(SUMMED.map((column) => [column, sum(column)]));
}
