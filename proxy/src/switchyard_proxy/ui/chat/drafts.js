// Drafts and templates in the browser's own store. A draft is one per conversation; a template has files of
// its own, so that it outlives the chat that it was made in.

import { FileGone, fileStore, newId } from "../media/store.js";
import { asked, read, write } from "../store/db.js";
import { isMedia, mediaIn } from "./blocks.js";

/** @typedef {{mode: "text" | "blocks", blocks: import("./blocks.js").Block[]}} Draft */

const LAST_WORDS = "switchyard.draft";

/** @param {string} id of the conversation @returns {Promise<Draft | null>} */
export async function readDraft(id) {
  const last = lastWords();
  if (last?.id === id) return asDraft(last);
  return asDraft(await read("drafts", (tx) => asked(tx.objectStore("drafts").get(id))));
}

const asDraft = (kept) => (kept?.blocks ? { mode: kept.mode, blocks: kept.blocks } : null);

/** At once, for a page that is being left: what the store is told then may come too late. */
export function keepLastWords(id, draft) {
  try {
    sessionStorage.setItem(LAST_WORDS, JSON.stringify({ id, ...draft }));
  } catch {
    // Too much for this place, or none at all: the store has what was there at the last pause.
  }
}

function lastWords() {
  try {
    const text = sessionStorage.getItem(LAST_WORDS);
    sessionStorage.removeItem(LAST_WORDS);
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {string} id @param {Draft | null} draft null forgets it */
export const keepDraft = (id, draft) =>
  write("drafts", (tx) => {
    if (draft) tx.objectStore("drafts").put({ id, ...draft, at: Date.now() / 1000 });
    else tx.objectStore("drafts").delete(id);
  });

/** @typedef {{id: string, name: string, blocks: import("./blocks.js").Block[], at: number}} Template */

/** The newest first. @returns {Promise<Template[]>} */
export const readTemplates = async () =>
  (await read("templates", (tx) => asked(tx.objectStore("templates").getAll()))).sort(
    (one, other) => other.at - one.at,
  );

/** @param {string} name @param {import("./blocks.js").Block[]} blocks @returns {Promise<Template>} */
export async function keepTemplate(name, blocks) {
  const template = { id: newId(), name, blocks: await withOwnFiles(blocks), at: Date.now() / 1000 };
  await write("templates", (tx) => asked(tx.objectStore("templates").put(template)));
  return template;
}

/** The template's blocks, ready to be sent: with copies of its files. @param {Template} template */
export const applied = (template) => withOwnFiles(template.blocks);

/** Takes it off the list; `forgetTemplate` lets its files go. @param {Template} template */
export const dropTemplate = ({ id }) =>
  write("templates", (tx) => asked(tx.objectStore("templates").delete(id)));
/** @param {Template} template */
export const putBack = (template) =>
  write("templates", (tx) => asked(tx.objectStore("templates").put(template)));
/** @param {Template} template */
export const forgetTemplate = ({ blocks }) => fileStore.remove(mediaIn(blocks).map((item) => item.file));

async function withOwnFiles(blocks) {
  const copies = await Promise.all(
    blocks.map((block) => (isMedia(block) ? copied(block) : { ...block, id: `b-${newId()}` })),
  );
  return copies.filter(Boolean);
}

async function copied(item) {
  try {
    const { id } = await fileStore.copy(item.file);
    return { ...item, id: `m-${id}`, file: id };
  } catch (error) {
    if (error instanceof FileGone) return null;
    throw error;
  }
}
