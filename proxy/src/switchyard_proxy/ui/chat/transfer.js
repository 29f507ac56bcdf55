// Conversations out to a file and in from one: fetches what belongs to them and hands the file to the
// browser. The forms of the files are in `export` and `import`.

import { t } from "../i18n/index.js";
import { takeIn } from "../media/intake.js";
import { dataUrl, filesIn } from "../media/outgoing.js";
import { fileStore } from "../media/store.js";
import { go } from "../routes.js";
import { toast } from "../shell/toast.js";
import * as chats from "../store/chats.js";
import { newId } from "../store/ids.js";
import { write } from "../store/db.js";
import { asJson, asMarkdown, fileName } from "./export.js";
import { chatsIn, NotChats } from "./import.js";

const ALL = 1_000_000;
const KINDS = { md: "text/markdown", json: "application/json" };

/** @param {string} id @param {"md" | "json"} kind */
export async function takeOut(id, kind) {
  const chat = await whole(id);
  const { title } = chat.conversation;
  const text = kind === "md" ? asMarkdown(chat.conversation, chat.messages, words()) : await json([chat]);
  hand(fileName(title, kind), text, KINDS[kind]);
}

export async function takeOutAll() {
  const { pinned, others } = await chats.list(ALL);
  const all = [];
  for (const { id } of [...pinned, ...others]) all.push(await whole(id));
  hand(fileName("switchyard-chats", "json"), await json(all), KINDS.json);
}

const whole = async (id) => ({ conversation: await chats.conversation(id), messages: await chats.whole(id) });

async function json(all) {
  const ids = new Set(all.flatMap(({ messages }) => messages.flatMap((one) => filesIn(one.content ?? ""))));
  const files = [];
  for (const id of ids) {
    // A file that is gone must not keep the words here.
    const file = await fileStore.get(id).catch(() => null);
    if (file)
      files.push({
        id,
        name: file.name ?? "",
        type: file.blob.type,
        data: (await dataUrl(file.blob)).split(",")[1] ?? "",
      });
  }
  return asJson(all, files, Date.now());
}

const words = () => ({
  title: t("chat.untitled"),
  user: t("chat.you"),
  assistant: t("chat.assistant"),
  system: t("chat.system"),
  thought: t("chat.thought"),
  file: t("chat.file"),
});

function hand(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Lets the reader pick a file, and opens the first conversation that is in it. */
export function bringIn() {
  const field = Object.assign(document.createElement("input"), {
    type: "file",
    accept: ".json,application/json",
  });
  field.onchange = () => field.files[0] && take(field.files[0]);
  field.click();
}

/** @param {File} file */
export async function take(file) {
  try {
    const { chats: found, files } = chatsIn(await file.text(), newId, Date.now());
    const places = await shelve(files);
    await write(["conversations", "messages"], (tx) => {
      for (const { conversation, messages } of found) {
        tx.objectStore("conversations").put(conversation);
        for (const one of messages) tx.objectStore("messages").put(placed(one, places));
      }
    });
    chats.touch();
    toast({ text: t("chat.imported", { n: found.length }), kind: "ok" });
    go(`#/chat/${found[0].conversation.id}`);
  } catch (error) {
    const reason = error instanceof NotChats ? t(`chat.not_chats.${error.message}`) : error.message;
    toast({ text: t("chat.not_imported", { reason }), kind: "err" });
  }
}

/**
 * Puts the files on their shelf, as if the reader had picked them.
 * @returns {Promise<Map<string, string>>} their new ids
 */
async function shelve(files) {
  const places = new Map();
  for (const { id, name, type, data } of files) {
    const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
    const { items } = await takeIn([new File([bytes], name, { type })]);
    if (items.length) places.set(id, items[0].file);
  }
  return places;
}

/** A file that could not be taken in leaves its message without it. */
function placed(message, places) {
  if (!message.content) return message;
  const parts = message.content.filter((part) => !part.file || places.has(part.file));
  return {
    ...message,
    content: parts.map((part) => (part.file ? { ...part, file: places.get(part.file) } : part)),
  };
}
