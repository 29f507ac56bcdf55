// Where orders lie between reloads, and which tab serves which. Other tabs are told; what to do about it is
// theirs.

import { asked, read, write } from "../store/db.js";
import { mayTake } from "./order.js";

const STORE = "orders";
const FLAG = "switchyard.drawing";
const TAB = "switchyard.tab";

/** This tab's name. It outlives a reload, so that the tab finds its own orders again at once. */
export const tab = (() => {
  const known = sessionStorage.getItem(TAB);
  if (known) return known;
  const made = crypto.getRandomValues(new Uint32Array(2)).join("-");
  sessionStorage.setItem(TAB, made);
  return made;
})();

const now = () => Date.now() / 1000;
const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("switchyard.orders") : null;

/**
 * @param {(told: object) => void} hear an order without its mask, or `{id, gone: true}`, as another tab says
 */
export function listen(hear) {
  if (channel) channel.onmessage = ({ data }) => hear(data);
}

export const all = () => read(STORE, (tx) => asked(tx.objectStore(STORE).index("at").getAll()));

/** @param {import("./order.js").Order} order as its owner sees it */
export async function put(order) {
  await write(STORE, (tx) => asked(tx.objectStore(STORE).put({ ...order, beat: now() })));
  const { mask, ...told } = order;
  channel?.postMessage({ ...told, beat: now() });
}

/** @param {string} id */
export async function drop(id) {
  await write(STORE, (tx) => asked(tx.objectStore(STORE).delete(id)));
  channel?.postMessage({ id, gone: true });
}

/**
 * Takes an order for this tab, unless another one has it. Looking and taking are one step for all tabs.
 * @param {string} id
 * @returns {Promise<import("./order.js").Order | null>} as it lies there
 */
export const claim = (id) => write(STORE, async (tx) => {
  const order = await asked(tx.objectStore(STORE).get(id));
  if (!order || !mayTake(order, tab, now())) return null;
  const mine = { ...order, owner: tab, beat: now() };
  await asked(tx.objectStore(STORE).put(mine));
  return mine;
});

/** For whoever starts the page elsewhere: whether pictures are under way. @param {boolean} yes */
export function flag(yes) {
  if (yes) localStorage.setItem(FLAG, "1");
  else localStorage.removeItem(FLAG);
}
