// Files that nothing names any more: what is left of drafts, forms and edits that were given up. Whatever
// is kept here may name a file, so all of it is looked through, a little at a time and once a day. A file
// goes when it was named nowhere for a day: an undo, and a message that is being changed, are written down
// nowhere.

import { breath } from "../breath.js";
import { asked, database, read, write } from "./db.js";

const PLACE = "switchyard.unneeded";
const DAY_MS = 86_400_000;
const AT_A_TIME = 100;
const OWN = ["files", "masks"]; // a mask is of a file, and goes with it

/**
 * Strikes out what a record names, however deep in it. Pure but for `ids`.
 * @param {unknown} value
 * @param {Set<string>} ids
 */
export function strikeNamed(value, ids) {
  if (typeof value === "string") ids.delete(value);
  else if (Array.isArray(value)) for (const one of value) strikeNamed(one, ids);
  else if (value?.constructor === Object) for (const one of Object.values(value)) strikeNamed(one, ids);
}

/**
 * Which of the files that nothing names may go, and since when the others have been so. Pure.
 * @param {string[]} unnamed
 * @param {Record<string, number>} since as it was noted the last time
 * @param {number} now milliseconds
 * @returns {{gone: string[], since: Record<string, number>}}
 */
export function due(unnamed, since, now) {
  const moments = unnamed.map((id) => [id, Math.min(since[id] ?? now, now)]);
  const isDue = ([, moment]) => now - moment >= DAY_MS;
  return {
    gone: moments.filter(isDue).map(([id]) => id),
    since: Object.fromEntries(moments.filter((one) => !isDue(one))),
  };
}

/** Lets go what is due, unless that was looked at today. @param {number} [now] milliseconds */
export async function tidy(now = Date.now()) {
  const { looked = 0, since = {} } = noted();
  if (looked <= now && now - looked < DAY_MS) return;
  const found = due(await unnamedFiles(), since, now);
  note({ looked: now, since: found.since });
  if (found.gone.length === 0) return;
  await write(OWN, (tx) => {
    for (const store of OWN) for (const id of found.gone) tx.objectStore(store).delete(id);
  });
}

async function unnamedFiles() {
  const ids = new Set(await read("files", (tx) => asked(tx.objectStore("files").getAllKeys())));
  strikeWritten(ids);
  for (const store of (await database()).objectStoreNames) {
    if (!OWN.includes(store)) await strikeIn(store, ids);
  }
  return [...ids];
}

/** What the page keeps beside its database: forms, and drafts of a page that was left. */
function strikeWritten(ids) {
  for (const place of [localStorage, sessionStorage]) {
    for (const [name, text] of Object.entries(place)) {
      if (name === PLACE) continue;
      for (const id of ids) if (text.includes(id)) ids.delete(id);
    }
  }
}

/** The newest first: what names a file is rarely old, and nothing is looked for once all are named. */
async function strikeIn(store, ids) {
  if (ids.size === 0) return;
  const keys = await read(store, (tx) => asked(tx.objectStore(store).getAllKeys()));
  for (let end = keys.length; end > 0 && ids.size > 0; end -= AT_A_TIME) {
    const range = IDBKeyRange.bound(keys[Math.max(0, end - AT_A_TIME)], keys[end - 1]);
    strikeNamed(await read(store, (tx) => asked(tx.objectStore(store).getAll(range))), ids);
    await breath();
  }
}

function noted() {
  try {
    return JSON.parse(localStorage.getItem(PLACE)) ?? {};
  } catch {
    return {};
  }
}

function note(notes) {
  localStorage.setItem(PLACE, JSON.stringify(notes));
}
