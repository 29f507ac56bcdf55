// Finds conversations by what is in them: looks into the store, a few hundred messages at a time, never into
// the page.

import { asked, read } from "./db.js";

const AT_A_TIME = 300;
const AROUND = 40;

/** Small letters, and one blank where there are several: the form in which texts are compared. */
const folded = (text) => text.toLowerCase().replace(/\s+/g, " ");

/**
 * The words around the first place where `query` is found; null if it is not there. Pure.
 * @param {string} text
 * @param {string} query
 * @returns {{before: string, hit: string, after: string}|null}
 */
export function excerpt(text, query) {
  const plain = text.replace(/\s+/g, " ");
  const wanted = folded(query.trim());
  const at = wanted ? plain.toLowerCase().indexOf(wanted) : -1;
  if (at < 0) return null;
  const end = at + wanted.length;
  return {
    before: (at > AROUND ? "…" : "") + plain.slice(Math.max(0, at - AROUND), at),
    hit: plain.slice(at, end),
    after: plain.slice(end, end + AROUND) + (plain.length > end + AROUND ? "…" : ""),
  };
}

/**
 * The newest hits first, each conversation once. `isStale` ends a search that nobody waits for any more.
 * @param {string} query
 * @param {number} limit
 * @param {() => boolean} [isStale]
 * @returns {Promise<Array<{conversation: object, message: string|null, excerpt: object}>>}
 */
export async function search(query, limit, isStale = () => false) {
  const kept = await read("conversations", (tx) => asked(tx.objectStore("conversations").getAll()));
  const known = new Map(kept.filter((one) => !one.deleted).map((one) => [one.id, one]));
  const hits = new Map();
  for (const one of known.values()) note(hits, one, null, excerpt(one.title, query));
  const ids = await read("messages", (tx) => asked(tx.objectStore("messages").getAllKeys()));
  for (let end = ids.length; end > 0 && hits.size < limit && !isStale(); end -= AT_A_TIME) {
    const page = await messagesBetween(ids[Math.max(0, end - AT_A_TIME)], ids[end - 1]);
    for (const one of page.reverse()) {
      if (known.has(one.conversation))
        note(hits, known.get(one.conversation), one.id, excerpt(one.text, query));
    }
  }
  return [...hits.values()].sort((a, b) => b.conversation.updated - a.conversation.updated).slice(0, limit);
}

const messagesBetween = (first, last) =>
  read("messages", (tx) => asked(tx.objectStore("messages").getAll(IDBKeyRange.bound(first, last))));

function note(hits, conversation, message, found) {
  const before = hits.get(conversation.id);
  if (found && (!before || before.message === null))
    hits.set(conversation.id, { conversation, message, excerpt: found });
}
