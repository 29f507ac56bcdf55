// Where a request's time went, and how it ended, as a reader tells them apart. Pure.

/** How each outcome looks, beside its word. */
export const OUTCOME_SIGNS = {
  ok: { glyph: "✓", tone: "ok" },
  refused: { glyph: "⊘", tone: "warn" },
  engine_error: { glyph: "!", tone: "err" },
  failed: { glyph: "✕", tone: "err" },
  client_left: { glyph: "⇠", tone: "dim" },
  cancelled: { glyph: "■", tone: "dim" },
};

/** @param {string} outcome */
export const signOf = (outcome) => OUTCOME_SIGNS[outcome] ?? { glyph: "?", tone: "dim" };

/**
 * The parts of the whole time, in their order, without those that took none.
 * @param {{queue_s: ?number, load_s: ?number, first_s: ?number, total_s: ?number}} row
 * @returns {{name: "queue"|"load"|"prompt"|"answer", s: number, share: number}[]}
 */
export function spansOf(row) {
  const total = row.total_s ?? 0;
  const queue = row.queue_s ?? 0;
  const load = row.load_s ?? 0;
  const first = Math.max(row.first_s ?? total, queue + load);
  const parts = { queue, load, prompt: first - queue - load, answer: total - first };
  const whole = Math.max(total, first);
  return Object.entries(parts)
    .filter(([, s]) => s > 0.0005)
    .map(([name, s]) => ({ name, s, share: whole > 0 ? s / whole : 0 }));
}

/** Tokens made per second of the engine's work: waiting does not count, reading the prompt does. */
export function speedOf(row) {
  const worked = (row.total_s ?? 0) - (row.queue_s ?? 0) - (row.load_s ?? 0);
  return row.tokens_out && worked > 0 ? row.tokens_out / worked : null;
}
