// Asks the proxy what a request would take: builds the question with stand-ins in the place of files. It
// decides nothing about the answer; that is for `costs`.

import { request } from "../api.js";
import { emptyPng, isHeavy, videoHead } from "../media/heads.js";
import { dataUrl } from "../media/outgoing.js";
import { FileGone, fileStore } from "../media/store.js";
import { guessed, place, reckon } from "./costs.js";

const MOST_HISTORY = 256 * 1024; // characters that are sent for counting; what is beyond is estimated
const MOST_KEPT = 500;
const standIns = new Map(); // file id → address; small, and files never change
const heavyCosts = new Map(); // "<model> <file id>" → promise of its cost; such a file is sent for it once

/**
 * @param {{model: string, history: {role: string, content: object[] | string}[], content: object[], ids:
 *   string[], signal: AbortSignal}} asked `ids`: the draft's media, in the order of its content
 * @returns {Promise<import("./costs.js").Reckoning>}
 */
export async function countTokens({ model, history, content, ids, signal }) {
  const { recent, beside } = split(history);
  const heavy = []; // {file, cost}: counted apart
  const messages = [];
  for (const { role, content: each } of [...recent, { role: "user", content }]) {
    messages.push({ role, content: await inShort(each, { model, heavy }) });
  }
  signal.throwIfAborted();
  const isApart = (file) => heavy.find((one) => one.file === file);
  const drafted = media(content).map(({ file }, at) => ({ id: ids[at], apart: isApart(file) }));
  const light = drafted.filter(({ apart }) => !apart).map(({ id }) => id);
  const places = placesOf(messages, light);
  const reply = await ask({ model, messages, labels: false }, signal).catch((error) => blame(error, places));
  const reckoning = reckon(reply, places, { beside, apart: heavy.map(({ cost }) => cost) });
  for (const { id, apart } of drafted) if (apart) reckoning.items.set(id, apart.cost);
  return reckoning;
}

/** An error of one item says which. */
function blame(error, places) {
  error.item = places.get(place(error.param)) ?? null;
  throw error;
}

const ask = (json, signal) => request("POST", "/api/tokens", { json, signal });

/** The newest messages up to a size; the tokens of the older ones are estimated. */
function split(history) {
  let size = 0;
  let first = history.length;
  while (first > 0 && size < MOST_HISTORY) size += textOf(history[(first -= 1)]).length;
  const older = history.slice(0, first).map(textOf).join("");
  return { recent: history.slice(first), beside: guessed(older) };
}

const textOf = ({ content }) =>
  typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("");

const media = (content) => content.filter((part) => part.type !== "text");

async function inShort(content, count) {
  if (!Array.isArray(content)) return content ?? "";
  const parts = [];
  for (const part of content) {
    if (part.file) parts.push(...(await withLabel(part, count)));
    else parts.push({ type: "text", text: part.text });
  }
  return parts;
}

async function withLabel(part, count) {
  const label = part.label ? [{ type: "text", text: `${part.label}: ` }] : [];
  try {
    const url = await standIn(part.file, count);
    return url ? [...label, { type: part.type, [part.type]: { url } }] : label;
  } catch (error) {
    if (error instanceof FileGone) return label;
    throw error;
  }
}

/** An address that counts like the file; null where it is counted apart. */
async function standIn(id, { model, heavy }) {
  if (standIns.has(id)) return standIns.get(id);
  const file = await fileStore.get(id);
  if (file.kind === "video" && isHeavy(file.blob)) {
    heavy.push({ file: id, cost: await heavyCost(model, file) });
    return null;
  }
  if (standIns.size >= MOST_KEPT) standIns.clear();
  standIns.set(id, await made(file));
  return standIns.get(id);
}

async function made({ kind, blob, width, height }) {
  if (kind === "image" && width) return emptyPng(width, height);
  return dataUrl(kind === "video" ? await videoHead(blob) : blob);
}

function heavyCost(model, { id, blob }) {
  const key = `${model} ${id}`;
  if (!heavyCosts.has(key)) {
    const cost = alone(model, blob);
    cost.catch(() => heavyCosts.delete(key));
    heavyCosts.set(key, cost);
  }
  return heavyCosts.get(key);
}

async function alone(model, blob) {
  const content = [{ type: "video_url", video_url: { url: await dataUrl(blob) } }];
  const { items } = await ask({ model, messages: [{ role: "user", content }], labels: false });
  return items.find((item) => item.type === "video") ?? { tokens: 0, exact: false };
}

/** Where each item of the last message stands. */
function placesOf(messages, ids) {
  const at = messages.length - 1;
  const rest = [...ids];
  const found = messages[at].content.flatMap((part, i) =>
    part.type === "text" ? [] : [[`messages[${at}].content[${i}]`, rest.shift()]],
  );
  return new Map(found);
}
