// Conversations and their messages in the browser's store. Messages are a tree: an edit or a second answer is
// a sibling, and nothing is overwritten. It knows neither the page nor the network.

import { signal } from "../html.js";
import { asked, read, write, writeAtOnce } from "./db.js";
import { newId } from "./ids.js";

export const ROOT = ""; // the parent of what has none: IndexedDB cannot index null
const FORGET_AFTER_MS = 60_000; // a deletion can be undone for longer than its notice is shown

/** Counts up whenever the list of conversations may look different, in whatever tab it was changed. */
export const revision = signal(0);
/** The last message that another tab has written: {conversation, message}. */
export const writtenElsewhere = signal(null);

const others =
  typeof BroadcastChannel === "function" && globalThis.document
    ? new BroadcastChannel("switchyard.chats")
    : null;
if (others) others.onmessage = ({ data }) => hear(data);

function hear(news) {
  if (news.message) writtenElsewhere.value = news;
  else revision.value += 1;
}

function tell(news = {}) {
  if (!news.message) revision.value += 1;
  others?.postMessage(news);
}

/**
 * @param {object} [given] any of its members
 * @returns {{id: string, title: string, created: number, updated: number, pinned: boolean, model: string,
 *   system: string, sampling: object, leaf: string|null, deleted: number|null}}
 */
export function newConversation(given = {}) {
  const now = Date.now();
  return {
    id: newId(now),
    title: "",
    created: now,
    updated: now,
    pinned: false,
    model: "",
    system: "",
    sampling: {},
    leaf: null,
    deleted: null,
    ...given,
  };
}

/**
 * @param {{conversation: string, role: "user"|"assistant"|"system"|"tool"}} given and any other member
 */
export function newMessage(given) {
  const now = Date.now();
  return { id: newId(now), parent: ROOT, at: now, text: "", ...given };
}

/** @returns {Promise<object|undefined>} */
export const conversation = (id) =>
  read("conversations", (tx) => asked(tx.objectStore("conversations").get(id)));

/** @returns {Promise<object|undefined>} */
export const message = (id) => read("messages", (tx) => asked(tx.objectStore("messages").get(id)));

/** Writes a conversation as it is given. */
export async function keep(record) {
  await write("conversations", (tx) => {
    tx.objectStore("conversations").put(record);
  });
  tell();
  return record;
}

/**
 * Changes some members of a conversation, and of nothing that came meanwhile. Null: it is gone.
 * @param {string} id
 * @param {object} part
 */
export async function change(id, part) {
  const changed = await write("conversations", async (tx) => {
    const shelf = tx.objectStore("conversations");
    const old = await asked(shelf.get(id));
    if (!old) return null;
    const made = { ...old, ...part };
    shelf.put(made);
    return made;
  });
  tell();
  return changed;
}

/**
 * Writes new messages, and what they change in their conversation, in one step.
 * @param {object[]} records all of one conversation
 * @param {object} [part] members of the conversation
 */
export async function add(records, part = {}) {
  const id = records[0].conversation;
  await write(["conversations", "messages"], async (tx) => {
    for (const record of records) tx.objectStore("messages").put(record);
    const shelf = tx.objectStore("conversations");
    const old = await asked(shelf.get(id));
    if (old) shelf.put({ ...old, updated: Date.now(), ...part });
  });
  tell();
  for (const record of records) tell({ conversation: id, message: record.id });
}

/**
 * Writes one message that is there already: an answer that grows. Does nothing once its conversation is gone.
 */
export async function update(record) {
  await write("messages", async (tx) => {
    const shelf = tx.objectStore("messages");
    if (await asked(shelf.getKey(record.id))) shelf.put(record);
  });
  tell({ conversation: record.conversation, message: record.id });
}

/** The same as the page goes: there is no time to look whether its conversation is still there. */
export function updateAtOnce(record) {
  writeAtOnce("messages", (tx) => {
    tx.objectStore("messages").put(record);
  });
}

/**
 * A page of the list, the pinned ones first and all of them, then the newest.
 * @param {number} limit how many of the others
 * @returns {Promise<{pinned: object[], others: object[], more: boolean}>}
 */
export function list(limit) {
  return read(
    "conversations",
    (tx) =>
      new Promise((resolve, reject) => {
        const page = { pinned: [], others: [], more: false };
        const walk = tx.objectStore("conversations").index("updated").openCursor(null, "prev");
        walk.onerror = () => reject(walk.error);
        walk.onsuccess = () => {
          const at = walk.result;
          if (!at) return resolve(page);
          if (!at.value.deleted) place(page, at.value, limit);
          return at.continue();
        };
      }),
  );
}

function place(page, record, limit) {
  if (record.pinned) page.pinned.push(record);
  else if (page.others.length < limit) page.others.push(record);
  else page.more = true;
}

/**
 * The last `count` messages of the branch that ends with `leaf`, oldest first.
 * @param {string|null} leaf
 */
export function branch(leaf, count = Infinity) {
  return read("messages", async (tx) => {
    const shelf = tx.objectStore("messages");
    const found = [];
    for (let id = leaf; id && found.length < count;) {
      const record = await asked(shelf.get(id));
      if (!record) break;
      found.push(record);
      id = record.parent;
    }
    return found.reverse();
  });
}

const below = (conversationId, parent) =>
  IDBKeyRange.bound([conversationId, parent, ""], [conversationId, parent, "\uffff"]);

/**
 * For each message the ids of all that have the same parent, itself among them, oldest first.
 * @param {object[]} records
 * @returns {Promise<Map<string, string[]>>}
 */
export function siblings(records) {
  return read("messages", async (tx) => {
    const index = tx.objectStore("messages").index("parent");
    const keys = records.map((one) => asked(index.getAllKeys(below(one.conversation, one.parent))));
    const found = await Promise.all(keys);
    return new Map(records.map((one, at) => [one.id, found[at]]));
  });
}

/** The end of the branch that goes on from a message: always by the newest child. */
export function lastBelow(conversationId, id) {
  return read("messages", async (tx) => {
    const index = tx.objectStore("messages").index("parent");
    for (let leaf = id; ;) {
      const keys = await asked(index.getAllKeys(below(conversationId, leaf)));
      if (!keys.length) return leaf;
      leaf = keys.at(-1);
    }
  });
}

/** Every message of a conversation, in the order in which they came. */
export const whole = (conversationId) =>
  read("messages", (tx) =>
    asked(
      tx
        .objectStore("messages")
        .index("conversation")
        .getAll(IDBKeyRange.bound([conversationId, ""], [conversationId, "\uffff"])),
    ),
  );

/** Somebody else wrote conversations: lists look again. */
export const touch = () => tell();

/** Hidden at once, forgotten later: until then `restore` brings it back. */
export const remove = (id) => change(id, { deleted: Date.now() });
export const restore = (id) => change(id, { deleted: null });

/**
 * Forgets what was deleted a while ago, and what was about to be said there. Answers with its messages, whose
 * files somebody else must let go.
 * @param {number} [now]
 */
export function sweep(now = Date.now()) {
  return write(["conversations", "messages", "drafts"], async (tx) => {
    const all = await asked(tx.objectStore("conversations").getAll());
    const gone = all.filter((one) => one.deleted && one.deleted < now - FORGET_AFTER_MS);
    const shelf = tx.objectStore("messages");
    const forgotten = [];
    for (const { id } of gone) {
      const range = IDBKeyRange.bound([id, ""], [id, "\uffff"]);
      const records = await asked(shelf.index("conversation").getAll(range));
      for (const record of records) shelf.delete(record.id);
      forgotten.push(...records);
      tx.objectStore("conversations").delete(id);
      tx.objectStore("drafts").delete(id);
    }
    return forgotten;
  });
}
