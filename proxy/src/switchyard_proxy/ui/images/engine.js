// One order's talk with the engine: the request that it makes, and the news that comes back. It decides
// nothing.

import { fileStore } from "../media/index.js";
import { resumeStream, startStream } from "../streams.js";
import { fieldsOf, formEntries } from "./wish.js";

/**
 * @typedef {{type: string, [member: string]: any}} News
 * @typedef {{onNews: (news: News, seq: number) => void, onState: (state: string, handle: any) => void}}
 *   Listener
 */

// What the stream of an order is called: it can be found by that before the engine has said a word.
const nameOf = (order) => `picture-${order.id}-${order.begun}`;

/**
 * @param {import("./order.js").Order} order
 * @param {{path: string, json?: unknown, body?: FormData}} request what `requestOf` made of it
 * @param {Listener} listener
 */
export const begin = (order, request, listener) => (
  startStream({ ...request, conversation: nameOf(order), ...heard(order, listener) })
);

/** Reads on where the page was left. @param {import("./order.js").Order} order @param {Listener} listener */
export function goOn(order, listener) {
  return resumeStream({
    id: order.stream ?? undefined, conversation: nameOf(order), lastSeq: order.lastSeq,
    ...heard(order, listener),
  });
}

const heard = (order, { onNews, onState }) => ({
  onState,
  onEvent: ({ id, data }) => {
    for (const news of newsIn(data, order)) onNews(news, Number(id) || 0);
  },
});

/**
 * An event, or a whole answer of an engine that does not stream: then one for each picture.
 * @param {string} data
 * @param {import("./order.js").Order} order
 * @returns {News[]}
 */
export function newsIn(data, order) {
  if (data === "[DONE]") return [];
  const said = JSON.parse(data);
  if (!Array.isArray(said.data)) return [said];
  const { size, output_format = order.wish.format, usage, timings, memory } = said;
  return said.data.map((one, index) => ({
    type: "image_generation.completed", index, size, output_format, usage, timings, memory,
    seed: order.seed + index, ...one,
  }));
}

/** What is asked of the engine, its images read. @param {import("./order.js").Order & {mask?: Blob|null}} order */
export async function requestOf(order) {
  const fields = fieldsOf(order.wish, order);
  if (order.wish.mode === "draw") return { path: "/v1/images/generations", json: fields };
  const form = new FormData();
  for (const [name, value] of formEntries(fields)) form.append(name, value);
  for (const id of order.wish.references) {
    const { blob, name } = await fileStore.get(id);
    form.append("image", blob, name || "image");
  }
  if (order.mask) form.append("mask", order.mask, "mask.png");
  return { path: "/v1/images/edits", body: form };
}

/** @param {string} base64 @param {string} format @returns {Blob} */
export function blobOf(base64, format) {
  const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  return new Blob([bytes], { type: `image/${format}` });
}
