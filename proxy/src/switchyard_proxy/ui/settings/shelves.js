// All stores of this browser's database at once: what they hold, out as a whole, in as a whole, away.

import { asked, database, read, write } from "../store/db.js";

const OURS = /^switchyard\b/;

export const names = async () => [...(await database()).objectStoreNames];

const each = async (work) => {
  const all = await names();
  const found = await read(all, (tx) => Promise.all(all.map((name) => work(tx.objectStore(name)))));
  return Object.fromEntries(all.map((name, at) => [name, found[at]]));
};

/** How many records each store has. */
export const howMany = () => each((store) => asked(store.count()));

/** Every record of every store. */
export const everything = () => each((store) => asked(store.getAll()));

/** Puts records where they belong; one with the same id is replaced. All of it, or nothing. */
export const putAll = (shelves) => write(Object.keys(shelves), (tx) => {
  for (const [name, records] of Object.entries(shelves)) {
    for (const record of records) tx.objectStore(name).put(record);
  }
});

/** Empties every store, and forgets whatever else this page keeps here. */
export async function forgetEverything() {
  const all = await names();
  await write(all, (tx) => { for (const name of all) tx.objectStore(name).clear(); });
  for (const place of [localStorage, sessionStorage]) {
    for (const name of Object.keys(place)) if (OURS.test(name)) place.removeItem(name);
  }
}

/** What the browser says is used of what it allows, in bytes; null where it does not say. */
export async function space() {
  const told = await navigator.storage?.estimate?.().catch(() => null);
  return told ? { used: told.usage, allowed: told.quota } : null;
}
