// One order of pictures and how far it is: a value, and what each piece of news makes of it. Pure.

import { fault, fitted, parsed, rounded } from "./sizes.js";

/**
 * @typedef {"queued"|"asking"|"drawing"|"done"|"failed"|"stopped"} Phase
 * @typedef {{status?: number, code: string, message: string, advice?: string, retryAfter?: number}} Trouble
 * @typedef {{
 *   id: string, at: number, wish: import("./wish.js").Wish, seed: number, ours: boolean, phase: Phase,
 *   stream: string|null, lastSeq: number, step: number, total: number, marks: [number, number][], askedAt:
 *   number|null,
 *   startedAt: number|null, endedAt: number|null, drawn: number, size: {width: number, height: number}|null,
 *   trouble: Trouble|null,
 *   begun: number, mask: Blob|null, shape: {width: number, height: number}|null, owner: string|null, beat:
 *   number,
 * }} Order `begun`: how often the engine was asked; `shape`: of the image that is edited; `owner`: the tab
 *   that serves
 *   it, last heard of at `beat`
 */

/** From where to where an order may go; what is over begins again only as a new order. */
export const MOVES = {
  queued: ["asking", "stopped"],
  asking: ["drawing", "done", "failed", "stopped"],
  drawing: ["done", "failed", "stopped"],
  done: [],
  failed: ["queued"],
  stopped: ["queued"],
};

const MARKS = 12;
const MARK_S = 0.2;

/** @returns {Order} */
export function newOrder({ id, at, wish, seed, ours, mask = null, shape = null, begun = 0 }) {
  return {
    id, at, wish, seed, ours, mask, shape, begun,
    phase: "queued", stream: null, lastSeq: 0, step: 0, total: 0, marks: [], drawn: 0, size: null,
    askedAt: null, startedAt: null, endedAt: null, trouble: null, owner: null, beat: 0,
  };
}

/** @param {Order} order @param {Phase} phase @returns {Order} */
export function moved(order, phase) {
  if (order.phase === phase) return order;
  if (!MOVES[order.phase].includes(phase)) {
    throw new Error(`an order cannot go from ${order.phase} to ${phase}`);
  }
  return { ...order, phase };
}

/** @param {Order} order */
export function isOver(order) {
  return MOVES[order.phase].every((next) => next === "queued");
}

/**
 * @param {Order} order
 * @param {{type: string, [member: string]: any}} news an event of the engine
 * @param {number} now seconds
 * @returns {Order}
 */
export function told(order, news, now) {
  if (isOver(order)) return order;
  const drawing = { ...moved(order, "drawing"), startedAt: order.startedAt ?? now };
  switch (news.type?.split(".").at(-1)) {
    case "progress": {
      return { ...drawing, step: news.step, total: news.total, marks: marked(order.marks, now, news.step) };
    }
    case "partial_image":
      return { ...drawing, size: sizeOf(news.size) ?? order.size };
    case "completed":
      return { ...drawing, drawn: order.drawn + 1, step: order.total, size: sizeOf(news.size) ?? order.size };
    default:
      return order;
  }
}

/** Steps that come all at once, when a log is read again, are one mark: they tell nothing of the pace. */
function marked(marks, now, step) {
  const last = marks.at(-1);
  if (last && now - last[0] < MARK_S) return [...marks.slice(0, -1), [last[0], step]];
  return [...marks, [now, step]].slice(-MARKS);
}

function sizeOf(text) {
  const found = /^(\d+)x(\d+)$/.exec(text ?? "");
  return found && { width: Number(found[1]), height: Number(found[2]) };
}

/**
 * @param {Order} order
 * @param {"done"|"failed"|"stopped"} phase
 * @param {number} now
 * @param {Trouble|null} trouble
 */
export function ended(order, phase, now, trouble = null) {
  return { ...moved(order, phase), endedAt: now, trouble };
}

/**
 * The same once more, with the same seed: in its old place where the engine lost it, else as an order of its
 *   own.
 * @param {Order} order
 * @param {Partial<Order>} more
 * @returns {Order}
 */
export function again(order, more = {}) {
  const { id, at, wish, seed, ours, mask, shape, begun } = order;
  return newOrder({ id, at, wish, seed, ours, mask, shape, begun, ...more });
}

/**
 * What the picture will measure, as far as it is known; for the room that it needs.
 * @param {Order} order @param {import("./abilities.js").Abilities} abilities
 */
export function sizeHint(order, abilities) {
  const { native } = abilities;
  const asked = parsed(order.wish.size);
  if (order.size) return order.size;
  if (asked && fault(asked) === null) return rounded(asked, abilities.multiple);
  return order.shape ? fitted(native.width * native.height, order.shape) : native;
}

const STALE_S = 12;

/** Whether a tab may serve an order: its own, one that nobody has, or one whose tab is silent. */
export function mayTake(order, tab, now) {
  return !isOver(order) && (!order.owner || order.owner === tab || now - order.beat > STALE_S);
}

/**
 * Which order goes to the engine next: one at a time, in the order in which they were asked for.
 * @param {Order[]} orders
 * @returns {Order | null}
 */
export function next(orders) {
  const open = orders.filter((one) => !isOver(one)).sort((a, b) => a.at - b.at);
  return open.length > 0 && open.every((one) => one.phase === "queued") ? open[0] : null;
}

/** How many are served before it. @param {Order[]} orders @param {Order} order */
export function placeOf(orders, order) {
  return orders.filter((one) => !isOver(one) && one.at < order.at).length;
}

/**
 * Seconds until the last step, by the pace of the latest ones; null as long as there is no pace.
 * @param {Order} order @param {number} now
 */
export function remaining(order, now) {
  const first = order.marks[0];
  const last = order.marks.at(-1);
  if (!last || last[1] <= first[1] || !order.total) return null;
  const pace = (last[0] - first[0]) / (last[1] - first[1]);
  return Math.max(0, (order.total - last[1]) * pace - (now - last[0]));
}

/** @param {Order} order a part of 1 */
export function share(order) {
  return order.total ? Math.min(1, order.step / order.total) : 0;
}
