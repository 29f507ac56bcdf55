// Orders of pictures from the first click to the last picture: the queue, the talk with the engine, what is
// kept of it. It shows nothing; what it knows is in its signals. It lives on when another view is shown, and
// after a reload.

import { signal } from "../html.js";
import { loadArea, t } from "../i18n/index.js";
import { newId } from "../media/index.js";
import { announce } from "../shell/announcer.js";
import { startWork } from "../shell/progress.js";
import { begin, blobOf, goOn, requestOf } from "./engine.js";
import { isOurs } from "./offers.js";
import { again, ended, isOver, moved, newOrder, next, share, told } from "./order.js";
import { keep } from "./pictures.js";
import * as shelf from "./shelf.js";
import { newSeed } from "./wish.js";

const SAVE_S = 1;
const BEAT_MS = 4000;
const MOST_BEGINNINGS = 3;
const UNDER_WAY = ["asking", "drawing"];
const ENDS = ["done", "failed", "stopped", "interrupted"];

/** Every order that is not put away, the oldest first. */
export const orders = signal([]);
/** The latest preview of each order's pictures: `{[id]: {[place]: url}}`. */
export const previews = signal({});

const handles = new Map(); // of the streams that this tab reads
const work = new Map(); // what came of each and is still being kept
const now = () => Date.now() / 1000;
const find = (id) => orders.peek().find((one) => one.id === id);

function set(order) {
  const rest = orders.peek().filter((one) => one.id !== order.id);
  orders.value = [...rest, order].sort((a, b) => a.at - b.at);
  shelf.flag(orders.peek().some((one) => !isOver(one)));
  tellTab(order);
}

const works = new Map(); // what the tab's title and icon show of each

function tellTab(order) {
  if (UNDER_WAY.includes(order.phase) && !works.has(order.id)) works.set(order.id, startWork());
  const work = works.get(order.id);
  if (order.phase === "drawing" && order.total) work?.progress(share(order));
  const end = { done: "done", failed: "failed", stopped: "gone", queued: "gone" }[order.phase];
  if (!work || !end) return;
  work[end]();
  works.delete(order.id);
}

/** Set before it is written: whoever looks next must find it. */
async function save(order) {
  const mine = { ...order, owner: shelf.tab };
  set(mine);
  await shelf.put(mine);
}

/**
 * @param {import("./wish.js").Wish} wish
 * @param {{mask?: Blob|null, shape?: {width: number, height: number}|null}} [more]
 */
export async function place(wish, { mask = null, shape = null } = {}) {
  await reattach();
  const seed = wish.seed ?? newSeed();
  const order = newOrder({ id: newId(), at: now(), wish, seed, ours: isOurs(wish.model), mask, shape });
  await save(order);
  pump();
  return order;
}

let attached = null;

/** Finds the orders of before a reload again, and goes on with them. Once is enough. */
export function reattach() {
  attached ??= attach().catch((error) => { attached = null; throw error; });
  return attached;
}

async function attach() {
  await loadArea("images");
  orders.value = await shelf.all();
  shelf.listen(hearOfOthers);
  await look();
  setInterval(look, BEAT_MS);
  addEventListener("pagehide", letGo);
}

function hearOfOthers(order) {
  if (order.gone) orders.value = orders.peek().filter((one) => one.id !== order.id);
  else if (!handles.has(order.id)) set({ ...find(order.id), ...order });
  pump();
}

const mine = () => orders.peek().filter((one) => one.owner === shelf.tab && !isOver(one));

/** Says that this tab is at it, and takes over what another has left. */
async function look() {
  for (const order of orders.peek().filter((one) => !isOver(one))) {
    const isServed = order.owner === shelf.tab && (handles.has(order.id) || order.phase === "queued");
    if (isServed) await shelf.put(find(order.id));
    else await takeUp(order);
  }
  pump();
}

async function takeUp(order) {
  const taken = await shelf.claim(order.id);
  if (!taken || handles.has(order.id)) return;
  set({ ...taken, marks: [] });
  if (UNDER_WAY.includes(taken.phase)) handles.set(order.id, goOn(taken, listenerOf(order.id)));
}

/** The page goes: whichever tab comes next need not wait for this one's silence. */
function letGo() {
  for (const order of mine()) shelf.put({ ...order, owner: null });
}

let pumping = null;

/** Begins the next order, if none is under way. */
function pump() {
  pumping ??= beginNext().finally(() => { pumping = null; });
}

async function beginNext() {
  for (let order = next(orders.peek()); order; order = next(orders.peek())) {
    const taken = await shelf.claim(order.id);
    if (!taken) return; // another tab has it
    const isStill = find(taken.id)?.phase === "queued";
    if (isStill) await start({ ...taken, ...find(taken.id), mask: taken.mask });
  }
}

async function start(order) {
  const asking = { ...moved(order, "asking"), begun: order.begun + 1, askedAt: now() };
  await save(asking);
  try {
    const request = await requestOf(asking);
    if (find(order.id)?.phase !== "asking") return; // it was stopped meanwhile
    handles.set(order.id, begin(asking, request, listenerOf(order.id)));
  } catch (error) {
    await finish(order.id, "failed", error);
  }
}

const listenerOf = (id) => ({
  onNews: (news, seq) => {
    const before = work.get(id) ?? Promise.resolve();
    work.set(id, before.then(() => hear(id, news, seq)).catch((error) => lose(id, error)));
  },
  onState: (state, handle) => hearState(id, state, handle),
});

/** What came cannot be kept: then there is no sense in drawing on. */
async function lose(id, error) {
  const handle = handles.get(id);
  await finish(id, "failed", error);
  await handle?.stop();
}

const savedAt = new Map();

async function hear(id, news, seq) {
  const { b64_json: content, ...small } = news;
  if (isOver(find(id) ?? { phase: "done" })) return;
  if (content && news.type.endsWith("completed")) await keepPicture(find(id), small, content);
  const order = { ...told(find(id), small, now()), lastSeq: Math.max(seq, find(id).lastSeq) };
  if (content && news.type.endsWith("partial_image")) {
    show(id, news.index ?? 0, blobOf(content, formatOf(news, order)));
  }
  set(order);
  if (!content && now() - (savedAt.get(id) ?? 0) < SAVE_S) return;
  savedAt.set(id, now());
  await shelf.put(order);
}

const formatOf = (news, order) => news.output_format ?? order.wish.format;

/** Under a name that the order gives it: an event that is read again makes no second picture. */
async function keepPicture(order, news, content) {
  const { wish } = order;
  const at = news.index ?? 0;
  await keep({
    id: `${order.id}-${String(at).padStart(2, "0")}`,
    at: order.at + at / 1000,
    batch: order.id,
    place: at,
    layer: news.layer ?? null,
    blob: blobOf(content, formatOf(news, order)),
    seed: news.seed ?? null,
    params: { ...wish, masked: Boolean(order.mask) },
    sources: wish.mode === "edit" ? wish.references : [],
    took: news.timings ?? null,
    memory: news.memory ?? null,
  });
}

function show(id, at, blob) {
  const shown = previews.peek()[id] ?? {};
  if (shown[at]) URL.revokeObjectURL(shown[at]);
  previews.value = { ...previews.peek(), [id]: { ...shown, [at]: URL.createObjectURL(blob) } };
}

function hide(id) {
  const { [id]: gone, ...rest } = previews.peek();
  previews.value = rest;
  for (const url of Object.values(gone ?? {})) URL.revokeObjectURL(url);
}

async function hearState(id, state, handle) {
  const order = find(id);
  if (!order || isOver(order)) return;
  const waitsFor = handle.error ? { code: handle.error.code, message: handle.error.message } : null;
  const isNew = handle.id !== order.stream;
  set({ ...order, stream: handle.id, link: state, waitsFor });
  if (isNew) await shelf.put(find(id));
  if (!ENDS.includes(state)) return;
  await work.get(id);
  await finish(id, state, handle.error);
}

/** What an end of the stream means for the order: a picture that was lost on the way is asked for again. */
async function finish(id, state, error) {
  const order = find(id);
  handles.delete(id);
  work.delete(id);
  if (!order || isOver(order)) return;
  const isLost = state === "interrupted" || (state === "failed" && error?.code === "gone");
  const isToBegin = isLost && order.drawn === 0 && order.begun < MOST_BEGINNINGS;
  if (isToBegin) await save({ ...again(order), anew: true });
  else await save(over(order, state, error));
  if (isOver(find(id))) hide(id);
  if (find(id).phase === "done") await putOldAway(id);
  pump();
}

function over(order, state, error) {
  if (state === "stopped") return ended(order, "stopped", now());
  if (state === "done" && order.drawn > 0) {
    announce(t("images.said.done", { n: order.drawn }));
    return ended(order, "done", now());
  }
  const { status = 0, message = "", retryAfter = null } = error ?? {};
  const code = error?.name === "QuotaExceededError" ? "storage_full" : error?.code ?? "nothing_came";
  announce(t("images.said.failed"));
  return ended(order, "failed", now(), { status, code: String(code), message, retryAfter });
}

/** Of orders that went well, the last one stays in sight; the pictures of all are in the gallery. */
async function putOldAway(but) {
  for (const one of orders.peek()) if (one.phase === "done" && one.id !== but) await dismiss(one.id);
}

/** Stops the engine, too; what was drawn stays. @param {string} id */
export async function cancel(id) {
  const order = find(id);
  if (!order || isOver(order)) return;
  const silent = { onNews() {}, onState() {} };
  const handle = handles.get(id) ?? (order.phase === "queued" ? null : goOn(order, silent));
  handles.delete(id);
  await save(ended(order, "stopped", now()));
  hide(id);
  announce(t("images.said.stopped"));
  pump();
  await handle?.stop();
}

/** The same once more, with the same seed. @param {string} id */
export async function retry(id) {
  const order = find(id);
  if (!order) return;
  await save(again(order, { id: newId(), at: now(), begun: 0, ours: isOurs(order.wish.model) }));
  await dismiss(id);
  pump();
}

/** Puts an order that is over away; its pictures stay in the gallery. @param {string} id */
export async function dismiss(id) {
  hide(id);
  orders.value = orders.peek().filter((one) => one.id !== id);
  await shelf.drop(id);
}

/**
 * An order that waits changes places with the one before or after it.
 * @param {string} id
 * @param {1|-1} way
 */
export async function shift(id, way) {
  const waiting = orders.peek().filter((one) => one.phase === "queued");
  const at = waiting.findIndex((one) => one.id === id);
  const other = waiting[at + way];
  if (at < 0 || !other) return;
  await save({ ...waiting[at], at: other.at });
  await save({ ...other, at: waiting[at].at });
}
