// How fast an answer came, from the moments at which something happened. Pure; what is not known is null,
// never zero.

/**
 * @param {{asked?: number, first?: number, since?: number, ended?: number, lookedAway?: boolean, before?:
 *   number, usage?: object, pieces?: number}} one moments in milliseconds; `since`: the first token of the
 *   last request, before which there were `before` others; `lookedAway`: nobody listened when it ended, so
 *   nobody knows when that was
 * @param {number} [now] for an answer that still grows
 */
export function speed(one, now = null) {
  const until = one.lookedAway ? null : (one.ended ?? now);
  const made = one.usage?.made ?? null;
  const tokens = made ?? (one.pieces || null);
  const took = one.since && until ? (until - one.since) / 1000 : null;
  const fresh = tokens === null ? 0 : tokens - (one.before ?? 0);
  return {
    tokens,
    isExact: made !== null && !one.usage.isGuess,
    read: one.usage?.read ?? null,
    first: one.first && one.asked ? (one.first - one.asked) / 1000 : null,
    took: one.asked && until ? (until - one.asked) / 1000 : null,
    // The first token was there when the span began: a rate wants the others, and a moment in which they
    // came.
    rate: fresh > 1 && took > 0.05 ? (fresh - 1) / took : null,
  };
}
