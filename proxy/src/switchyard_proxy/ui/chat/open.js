// The conversation that is open: its record, the messages of the branch that is shown, and which of them
// stand in the page. Reads the store; asks nobody for an answer.

import { batch, computed, signal } from "../html.js";
import * as chats from "../store/chats.js";
import { settings } from "../store/settings.js";
import { ensure } from "./answers.js";
import { around, atEnd, downward, PAGE, shifted, upward } from "./mounted.js";

/** The record; `isNew` while it is not in the store, because nothing was said yet. */
export const current = signal(fresh());
/** Messages of the branch, as far up as they were read, oldest first. */
export const branch = signal([]);
/** Message id → ids of it and its siblings, of what stands in the page. */
export const family = signal(new Map());
/** Which of `branch` stand in the page. */
export const shown = signal({ from: 0, to: 0 });
/** "loading" | "there" | "missing" | "unreadable" */
export const standing = signal("there");
/** The message that a search led to, or the one whose text is being changed. */
export const found = signal(null);
export const editing = signal(null);

/** The message that the focus goes to, since what had it is no longer there: {id}. */
export const pointed = signal(null);
/** Counts up when the reader did something whose outcome is at the end. */
export const endWanted = signal(0);

export const hasEarlier = computed(() => shown.value.from > 0 || Boolean(branch.value[0]?.parent));
export const hasLater = computed(() => shown.value.to < branch.value.length);

function fresh(part = {}) {
  return { ...chats.newConversation(part), isNew: true };
}

let latest = 0; // the newest order to open something: an older one that comes late changes nothing

/**
 * @param {object} [part] members of the new conversation; without a model it gets the one that was used last
 */
export async function openNew(part = {}) {
  const turn = (latest += 1);
  batch(() => {
    current.value = fresh(part);
    standing.value = "there";
    editing.value = null;
    found.value = null;
    lay([], atEnd(0));
  });
  if (part.model || settings.peek().model) return;
  const { pinned, others } = await chats.list(1).catch(() => ({ pinned: [], others: [] }));
  const last = [...pinned, ...others].sort((a, b) => b.updated - a.updated)[0];
  if (turn === latest && last?.model && current.peek().isNew && !current.peek().model) {
    current.value = { ...current.peek(), model: last.model };
  }
}

/**
 * @param {string} id
 * @param {string} [messageId] show the branch with this message, and begin there
 */
export async function open(id, messageId) {
  const turn = (latest += 1);
  if (current.peek().id !== id) clear();
  try {
    const record = await chats.conversation(id);
    if (turn !== latest) return;
    if (!record || record.deleted) standing.value = "missing";
    else await show(turn, record, messageId);
  } catch {
    if (turn === latest) standing.value = "unreadable";
  }
}

function clear() {
  batch(() => {
    standing.value = "loading";
    editing.value = null;
    found.value = null;
    lay([], atEnd(0));
  });
}

async function show(turn, record, messageId) {
  const leaf = messageId ? await chats.lastBelow(record.id, messageId) : record.leaf;
  const records = messageId ? await upTo(leaf, messageId) : await chats.branch(leaf, PAGE);
  const kin = await chats.siblings(records.slice(-PAGE));
  if (turn !== latest) return;
  const at = messageId ? records.findIndex((one) => one.id === messageId) : -1;
  batch(() => {
    current.value = { ...record, leaf };
    standing.value = "there";
    found.value = at < 0 ? null : messageId;
    family.value = kin;
    lay(records, at < 0 ? atEnd(records.length) : around(at, records.length));
  });
  if (at >= 0) await meet();
  for (const one of records) ensure(one);
}

/** The branch from its end up to a page above one message. */
async function upTo(leaf, id) {
  for (let count = PAGE * 4; ; count *= 2) {
    const records = await chats.branch(leaf, count);
    if (records.length < count || records.slice(PAGE).some((one) => one.id === id)) return records;
  }
}

function lay(records, window) {
  branch.value = records;
  shown.value = window;
}

/** Reads the branch anew: something was added, or another one is to be shown. */
export async function reload(leaf = current.peek().leaf) {
  const { id } = current.peek();
  const turn = latest;
  const isAtEnd = !hasLater.peek();
  const wanted = Math.max(PAGE, branch.peek().length + 2);
  const records = await chats.branch(leaf, Math.min(wanted, PAGE * 8));
  if (turn !== latest || current.peek().id !== id) return;
  batch(() => {
    current.value = { ...current.peek(), leaf };
    lay(records, isAtEnd ? atEndOf(records) : atEnd(records.length));
  });
  await meet();
}

/** What was in the page stays in it. */
function atEndOf(records) {
  const first = branch.peek()[shown.peek().from];
  const at = first ? records.findIndex((one) => one.id === first.id) : -1;
  const { from, to } = atEnd(records.length);
  return { from: at < 0 ? from : Math.min(at, from), to };
}

/** Puts a newer form of messages in their place. @param {object[]} records */
export function replace(records) {
  const newer = new Map(records.map((one) => [one.id, one]));
  if (branch.peek().some((one) => newer.has(one.id))) {
    branch.value = branch.peek().map((one) => newer.get(one.id) ?? one);
  }
}

/** One page up: from what was read, else from the store. */
export async function earlier() {
  const { from } = shown.peek();
  if (from === 0) await readAbove();
  if (shown.peek().from > 0) shown.value = upward(shown.peek());
  await meet();
}

async function readAbove() {
  const first = branch.peek()[0];
  if (!first?.parent) return;
  const turn = latest;
  const records = await chats.branch(first.parent, PAGE * 2);
  if (turn !== latest || branch.peek()[0] !== first) return;
  batch(() => {
    branch.value = [...records, ...branch.peek()];
    shown.value = shifted(shown.peek(), records.length);
  });
}

export async function later() {
  shown.value = downward(shown.peek(), branch.peek().length);
  await meet();
}

export async function toEnd() {
  if (hasLater.peek()) shown.value = atEnd(branch.peek().length);
  await meet();
}

/** Learns the siblings of what stands in the page. */
async function meet() {
  const { from, to } = shown.peek();
  const turn = latest;
  const kin = await chats.siblings(branch.peek().slice(from, to));
  if (turn === latest) family.value = kin;
}
