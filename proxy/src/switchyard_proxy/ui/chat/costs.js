// What a token budget means: levels, by how much it is over, and what would mend it. Pure.

import { shrunkTo } from "../media/sizes.js";

/**
 * @typedef {{tokens: number, exact: boolean, width?: number, height?: number}} Cost
 * @typedef {{total: number, context: number | null, exact: boolean, level: "ok" | "warning" | "critical",
 *   items: Map<string, Cost>}} Reckoning
 * @typedef {{kind: "shrink", id: string, size: {width: number, height: number}} | {kind: "remove", id:
 *   string} | {kind: "text"}} Remedy
 */

const BYTES_A_TOKEN = 4;

/** @param {string} text */
export const guessed = (text) => Math.ceil(new TextEncoder().encode(text).length / BYTES_A_TOKEN);

/**
 * The proxy's reply, with each item under the id of what it counts.
 * @param {object} reply
 * @param {Map<string, string>} params id by `messages[0].content[1].image_url`
 * @param {{beside?: number, apart?: Cost[]}} [more] `beside`: estimated tokens of what was not asked about;
 *   `apart`: what was counted in questions of its own
 * @returns {Reckoning}
 */
export function reckon(reply, params, { beside = 0, apart = [] } = {}) {
  const items = new Map();
  for (const { param, tokens, exact, width, height } of reply.items ?? []) {
    const id = params.get(place(param));
    if (id) items.set(id, { tokens, exact: exact ?? true, width, height });
  }
  const total = apart.reduce((sum, { tokens }) => sum + tokens, reply.total + beside);
  const exact = (reply.exact ?? true) && !beside && apart.every((cost) => cost.exact);
  return { total, context: reply.context ?? null, exact, level: levelOf(total, reply), items };
}

/** `messages[0].content[1].image_url` and `messages[0].content[1]` are one place. */
export const place = (param) => /^messages\[\d+\]\.content\[\d+\]/.exec(param ?? "")?.[0] ?? "";

function levelOf(total, { context, warning_above: warning, critical_above: critical }) {
  if ((context && total > context) || (critical && total > critical)) return "critical";
  return warning && total > warning ? "warning" : "ok";
}

/** Tokens beyond the model's context; 0 when it fits or nobody knows. @param {Reckoning} reckoning */
export const over = ({ total, context }) => (context ? Math.max(0, total - context) : 0);

/**
 * What mends an excess with the least loss: one picture made smaller, or else one thing taken out.
 * @param {{id: string, kind: string}[]} items the media of the draft
 * @param {Reckoning} reckoning
 * @returns {Remedy | null} `text`: no medium is to blame; null: nothing is over
 */
export function remedy(items, reckoning) {
  const excess = over(reckoning);
  if (!excess) return null;
  const costed = items
    .map((item) => ({ item, cost: reckoning.items.get(item.id) }))
    .filter(({ cost }) => cost?.tokens)
    .sort((one, other) => other.cost.tokens - one.cost.tokens);
  const largest = costed.find(({ item, cost }) => item.kind === "image" && cost.width);
  const size = largest && shrunkTo(largest.cost, largest.cost.tokens - excess);
  if (size) return { kind: "shrink", id: largest.item.id, size };
  // The smallest one whose going is enough; else the largest, as a beginning.
  const enough = costed.findLast(({ cost }) => cost.tokens >= excess) ?? costed[0];
  return enough ? { kind: "remove", id: enough.item.id } : { kind: "text" };
}
