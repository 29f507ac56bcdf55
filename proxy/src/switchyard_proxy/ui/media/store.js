// Files of chats and pictures: blobs in the browser's own store, and addresses for showing them while they
// are shown. Each `url` must be given back by `revoke`: an address keeps its whole file in memory.

import { asked, read, write } from "../store/db.js";

const STORE = "files";

/** @typedef {{id: string, blob: Blob, name: string, type: string, kind: "image" | "video", size: number,
 *   width: number | null, height: number | null, seconds: number | null, thumb: Blob | null, at: number}}
 * StoredFile */

export class FileGone extends Error {
  constructor(id) {
    super(`cannot find the file ${id}: it was deleted in this browser`);
    this.code = "file_gone";
  }
}

const addresses = new Map(); // "<id>" or "<id>/thumb" → {url, uses}

/** @type {{put: Function, get: Function, url: Function, thumbUrl: Function, revoke: Function, copy: Function,
 *   remove: Function}} */
export const fileStore = {
  /**
   * @param {Blob} blob
   * @param {Partial<StoredFile>} facts
   * @returns {Promise<StoredFile>}
   */
  async put(blob, facts) {
    const record = {
      ...{ width: null, height: null, seconds: null, thumb: null, kind: "image", name: "" },
      ...facts,
      ...{ id: newId(), blob, type: blob.type, size: blob.size, at: Date.now() / 1000 },
    };
    await write(STORE, (tx) => asked(tx.objectStore(STORE).add(record)));
    return record;
  },

  /** @param {string} id @returns {Promise<StoredFile>} raises FileGone */
  async get(id) {
    const record = await read(STORE, (tx) => asked(tx.objectStore(STORE).get(id)));
    if (!record) throw new FileGone(id);
    return record;
  },

  /** An address of the whole file; `revoke` it when it is no longer shown. @param {string} id */
  url: (id) => addressOf(id, async () => (await fileStore.get(id)).blob),

  /** An address of its thumbnail, or null where there is none. @param {string} id */
  async thumbUrl(id) {
    const { thumb } = await fileStore.get(id);
    return thumb && addressOf(`${id}/thumb`, async () => thumb);
  },

  /** @param {string} url what `url` or `thumbUrl` gave */
  revoke(url) {
    for (const [key, address] of addresses) {
      if (address.url !== url) continue;
      address.uses -= 1;
      if (address.uses <= 0) {
        addresses.delete(key);
        URL.revokeObjectURL(url);
      }
    }
  },

  /** The same file under an id of its own, so that either may be deleted. @param {string} id */
  async copy(id) {
    const { blob, ...facts } = await fileStore.get(id);
    return fileStore.put(blob, facts);
  },

  /** @param {string[]} ids */
  async remove(ids) {
    if (!ids.length) return;
    await write(STORE, (tx) => {
      for (const id of ids) tx.objectStore(STORE).delete(id);
    });
  },
};

async function addressOf(key, blobOf) {
  const known = addresses.get(key);
  if (known) {
    known.uses += 1;
    return known.url;
  }
  const blob = await blobOf();
  const raced = addresses.get(key);
  const address = raced ?? { url: URL.createObjectURL(blob), uses: 0 };
  address.uses += 1;
  addresses.set(key, address);
  return address.url;
}

// randomUUID exists on secure origins only, and a home's network is none.
export const newId = () =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
