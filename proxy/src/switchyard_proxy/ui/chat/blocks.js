// A prompt as a list of blocks: texts, attached texts, pictures, videos, in any order. Pure: what the list
// becomes when something is done to it, and the content that it is sent as. Drawing is for `block-editor`.

import { labelsOf } from "../media/labels.js";
import { without } from "../media/order.js";

/**
 * @typedef {{id: string, kind: "text", text: string}} TextBlock
 * @typedef {{id: string, kind: "paste", name: string, text: string, isFile: boolean}} PasteBlock an attached
 *   text
 * @typedef {import("../media/intake.js").MediaItem} MediaItem
 * @typedef {TextBlock | PasteBlock | MediaItem} Block
 */

/**
 * Texts over this many characters become an attachment when they are pasted: a text field of that size
 * crawls.
 */
export const LONG_PASTE = 20_000;

let count = 0;
const newBlockId = () => `b-${Date.now().toString(36)}-${(count += 1)}`;

/** @returns {TextBlock} */
export const textBlock = (text = "") => ({ id: newBlockId(), kind: "text", text });
/** @returns {PasteBlock} `isFile`: its name is told to the model, too */
export const pasteBlock = (name, text, isFile) => ({ id: newBlockId(), kind: "paste", name, text, isFile });

export const isMedia = (block) => block.kind === "image" || block.kind === "video";
/** @param {Block[]} blocks @returns {MediaItem[]} */
export const mediaIn = (blocks) => blocks.filter(isMedia);

/** Whether there is nothing to send. @param {Block[]} blocks */
export const isBlank = (blocks) => blocks.every((block) => block.kind === "text" && !block.text.trim());

/**
 * As the plain composer has it: attachments first, in their order, then one text.
 * @param {Block[]} blocks
 * @returns {Block[]}
 */
export function plain(blocks) {
  const texts = blocks.filter((block) => block.kind === "text");
  const attached = blocks.filter((block) => block.kind !== "text");
  const filled = texts.filter((block) => block.text.trim());
  const text = filled.map((block) => block.text.trim()).join("\n\n");
  const one = texts.length === 1 ? texts[0] : { ...(texts[0] ?? textBlock()), text };
  return [...attached.filter(isMedia), ...attached.filter((block) => !isMedia(block)), one];
}

/** Whether `plain` would lose the order of something. @param {Block[]} blocks */
export function isPlain(blocks) {
  const filled = blocks.filter((block) => block.kind !== "text" || block.text.trim());
  const first = filled.findIndex((block) => block.kind === "text");
  return first < 0 || first === filled.length - 1;
}

/** The text of the plain composer. @param {Block[]} blocks */
export const textIn = (blocks) => blocks.findLast((block) => block.kind === "text")?.text ?? "";

/** With another text in the plain composer. @param {Block[]} blocks @param {string} text */
export const withText = (blocks, text) => {
  const last = blocks.findLast((block) => block.kind === "text");
  return last ? changed(blocks, last.id, { text }) : [...blocks, textBlock(text)];
};

/** @param {Block[]} blocks @param {string} id @param {object} facts @returns {Block[]} */
export const changed = (blocks, id, facts) =>
  blocks.map((block) => (block.id === id ? { ...block, ...facts } : block));

/**
 * Puts blocks behind another one; behind all where that is not there. An empty text in that place makes room.
 * @param {Block[]} blocks
 * @param {string | null} id
 * @param {Block[]} added
 * @returns {Block[]}
 */
export function addedAfter(blocks, id, added) {
  const at = blocks.findIndex((block) => block.id === id);
  if (at < 0) return [...blocks, ...added];
  const isRoom = blocks[at].kind === "text" && !blocks[at].text.trim();
  return [...blocks.slice(0, isRoom ? at : at + 1), ...added, ...blocks.slice(at + 1)];
}

/**
 * Puts blocks into a text where the cursor stood: what followed it becomes a text of its own behind them.
 * @param {Block[]} blocks
 * @param {string} id
 * @param {number} cursor
 * @param {Block[]} added
 */
export function addedInto(blocks, id, cursor, added) {
  const { kind, text = "" } = blocks.find((block) => block.id === id) ?? {};
  const rest = text.slice(cursor).trim();
  if (kind !== "text" || !rest) return addedAfter(blocks, id, added);
  const begun = changed(blocks, id, { text: text.slice(0, cursor).trim() });
  return addedAfter(begun, id, [...added, textBlock(rest)]);
}

/** With attachments behind those of the plain composer. @param {Block[]} blocks @param {Block[]} added */
export function attached(blocks, added) {
  const rest = blocks.filter((block) => !added.some(({ id }) => id === block.id));
  return plain([...rest, ...added]);
}

/**
 * Two drafts in one.
 * @param {Block[]} first
 * @param {Block[]} second
 * @param {"text" | "blocks"} mode
 */
export function joined(first, second, mode) {
  if (isBlank(second)) return first;
  const all = [...first, ...second];
  return mode === "text" ? plain(all) : all.filter((block) => block.kind !== "text" || block.text.trim());
}

/** With a text at the end, to go on writing in. @param {Block[]} blocks */
export const withRoom = (blocks) => (blocks.at(-1)?.kind === "text" ? blocks : [...blocks, textBlock()]);

/**
 * What each medium is called, by its id.
 * @param {Block[]} blocks
 * @param {{image: number, video: number}} [before]
 */
export function labelMap(blocks, before) {
  const items = mediaIn(blocks);
  return new Map(labelsOf(items, before).map((label, at) => [items[at].id, label]));
}

/** Without a block; one empty text stays if it was the last. @param {Block[]} blocks @param {string} id */
export const removed = (blocks, id) => {
  const rest = without(blocks, id);
  return rest.length ? rest : [textBlock()];
};

/**
 * The media replaced by the same in another order, or fewer or more: what stands between them stays in its
 * place.
 * @param {Block[]} blocks
 * @param {(items: MediaItem[]) => MediaItem[]} update
 * @returns {Block[]}
 */
export function withMedia(blocks, update) {
  const items = update(mediaIn(blocks));
  const kept = new Set(items.map((item) => item.id));
  const places = blocks.filter((block) => !isMedia(block) || kept.has(block.id));
  const isHere = new Set(places.filter(isMedia).map((block) => block.id));
  const order = items.filter((item) => isHere.has(item.id));
  let next = 0;
  const result = places.map((block) => (isMedia(block) ? order[next++] : block));
  for (const [at, item] of items.entries()) {
    if (isHere.has(item.id)) continue;
    const before = result.findIndex((block) => block.id === items[at - 1]?.id);
    result.splice(before + 1, 0, item);
  }
  return result;
}

/**
 * The stored content of what is composed; see `media/outgoing` for how it is sent.
 * @param {Block[]} blocks
 * @param {{image: number, video: number}} [before] how many the conversation holds already
 */
export function contentOf(blocks, before) {
  const labels = labelsOf(mediaIn(blocks), before);
  return blocks.flatMap((block) => {
    if (isMedia(block)) return [{ type: `${block.kind}_url`, file: block.file, label: labels.shift() }];
    if (block.kind === "paste") return [{ type: "text", text: spelledOut(block), name: block.name }];
    return block.text.trim() ? [{ type: "text", text: block.text.trim() }] : [];
  });
}

const spelledOut = ({ name, text, isFile }) => (isFile ? `${name}:\n\n${text}` : text);

/**
 * Blocks of a stored content, for editing it. Labels that were counted are counted anew.
 * @param {object[] | string} content
 * @param {(id: string) => MediaItem | null} itemOf null where the file is gone
 * @returns {Block[]}
 */
export function blocksOf(content, itemOf) {
  if (!Array.isArray(content)) return [textBlock(content ?? "")];
  const blocks = content.map((part) => {
    if (part.file) return own(itemOf(part.file), part.label);
    if (!part.name) return textBlock(part.text);
    const start = `${part.name}:\n\n`;
    const isFile = part.text.startsWith(start);
    return pasteBlock(part.name, isFile ? part.text.slice(start.length) : part.text, isFile);
  });
  const found = blocks.filter(Boolean);
  return found.some((block) => block.kind === "text") ? found : [...found, textBlock()];
}

function own(item, label = "") {
  const isCounted = /^(Image|Video) \d+$/.test(label);
  return item && { ...item, label: isCounted || !label ? null : label };
}
