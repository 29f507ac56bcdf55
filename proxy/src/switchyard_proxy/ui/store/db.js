// The browser's own store: which shelves there are, and how to read and write them.
// It knows nothing of what lies on them; whoever owns a shelf has a module of its own.

const NAME = "switchyard";

// One row for each shelf or index, with the version in which it came. Rows are added, never changed.
const SHELVES = [
  { since: 1, store: "conversations", keyPath: "id" },
  { since: 1, store: "conversations", index: "updated", on: "updated" },
  { since: 1, store: "messages", keyPath: "id" },
  { since: 1, store: "messages", index: "conversation", on: ["conversation", "id"] },
  { since: 1, store: "messages", index: "parent", on: ["conversation", "parent", "id"] },
  { since: 1, store: "files", keyPath: "id" },
  { since: 1, store: "templates", keyPath: "id" },
  { since: 1, store: "pictures", keyPath: "id" },
  { since: 1, store: "pictures", index: "at", on: "at" },
  { since: 1, store: "pictures", index: "batch", on: "batch" },
  { since: 1, store: "picture_blobs", keyPath: "id" },
  { since: 1, store: "orders", keyPath: "id" },
  { since: 1, store: "orders", index: "at", on: "at" },
  { since: 1, store: "masks", keyPath: "id" },
  { since: 1, store: "drafts", keyPath: "id" },
];

export const VERSION = Math.max(...SHELVES.map((row) => row.since));

/**
 * What must be made to come from one version to the newest. Pure.
 * @param {number} from
 */
export const upgrades = (from) => SHELVES.filter((row) => row.since > from);

let opening = null;
let opened = null; // the same, once it is there: for those who have no time to wait

/** @returns {Promise<IDBDatabase>} */
export function database() {
  opening ??= connect().catch((error) => {
    opening = null;
    throw error;
  });
  return opening;
}

function connect() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = (event) => upgrade(request, event.oldVersion);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => resolve(watched(request.result));
  });
}

function upgrade(request, from) {
  for (const row of upgrades(from)) {
    if (row.index) request.transaction.objectStore(row.store).createIndex(row.index, row.on);
    else request.result.createObjectStore(row.store, { keyPath: row.keyPath });
  }
}

// Another tab with a newer page must be able to upgrade: this one lets go, and opens again when it is asked.
function watched(db) {
  const forget = () => {
    opening = null;
    opened = null;
  };
  db.onversionchange = () => {
    db.close();
    forget();
  };
  db.onclose = forget;
  opened = db;
  return db;
}

/**
 * The result of one request.
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
export const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * Reads within one transaction; `work` may await nothing but requests of that transaction.
 * @template T
 * @param {string | string[]} stores
 * @param {(tx: IDBTransaction) => T | Promise<T>} work
 * @returns {Promise<T>}
 */
export async function read(stores, work) {
  const db = await database();
  return work(db.transaction(stores, "readonly"));
}

/**
 * Writes within one transaction; done when it is on the disk, and undone as a whole if it fails.
 * @template T
 * @param {string | string[]} stores
 * @param {(tx: IDBTransaction) => T | Promise<T>} work
 * @returns {Promise<T>}
 */
export async function write(stores, work) {
  const db = await database();
  const tx = db.transaction(stores, "readwrite");
  const whole = ended(tx);
  whole.catch(() => {}); // It is awaited below; until then its failure is nobody's surprise.
  let result;
  try {
    result = await work(tx);
  } catch (error) {
    quietly(tx);
    throw error;
  }
  await whole;
  return result;
}

/**
 * Writes in this very moment, without knowing whether it worked: for a page that is about to go.
 * @param {string | string[]} stores
 * @param {(tx: IDBTransaction) => void} work
 */
export function writeAtOnce(stores, work) {
  if (!opened) return;
  const tx = opened.transaction(stores, "readwrite");
  work(tx);
  tx.commit?.();
}

const ended = (tx) =>
  new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error ?? new DOMException("the transaction was given up", "AbortError"));
  });

function quietly(tx) {
  try {
    tx.abort();
  } catch {
    // It is over already, and that is all that was wanted.
  }
}
