// Reads a file of conversations. Pure, and trusts nothing: every member is looked at, every id is made anew,
// so that no file can put itself over what is there.

import { FORMAT } from "./export.js";
import { newestLeaf } from "./branches.js";
import { SAMPLING } from "./request.js";

export class NotChats extends Error {}

const ROLES = new Set(["user", "assistant", "system", "tool"]);
const MEDIA = new Set(["image_url", "video_url"]);
const TITLE_LENGTH = 200;

/**
 * @param {string} text of the file
 * @param {() => string} newId
 * @param {number} now milliseconds
 * @returns {{chats: Array<{conversation: object, messages: object[]}>, files: object[]}}
 */
export function chatsIn(text, newId, now) {
  const found = document(text);
  const files = listed(found.files)
    .filter(isFile)
    .map((file) => ({ ...file, as: newId() }));
  const names = new Map(files.map((file) => [file.id, file.as]));
  const chats = listed(found.chats)
    .map((chat) => read(chat, names, newId, now))
    .filter((chat) => chat.messages.length);
  if (!chats.length) throw new NotChats("empty");
  return { chats, files: files.map(({ as, name, type, data }) => ({ id: as, name, type, data })) };
}

/** Our own form; or a bare list of messages as APIs have it, which becomes one conversation. */
function document(text) {
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    throw new NotChats("json");
  }
  if (found?.format === FORMAT) return found;
  const messages = Array.isArray(found) ? found : found?.messages;
  if (!Array.isArray(messages)) throw new NotChats("form");
  return { chats: [{ title: found.title, model: found.model, messages: messages.map(inARow) }] };
}

const inARow = (one, at) => ({
  ...one,
  id: String(at),
  parent: at ? String(at - 1) : "",
  text: typeof one?.content === "string" ? one.content : textIn(listed(one?.content)),
  content: undefined,
  thought: one?.reasoning_content,
});

const textIn = (parts) =>
  parts
    .map((part) => string(part?.text))
    .filter(Boolean)
    .join("\n\n");

function read(chat, files, newId, now) {
  const given = listed(chat?.messages).filter((one) => ROLES.has(one?.role) && typeof one.id === "string");
  const ids = new Map(given.map((one) => [one.id, newId()]));
  const id = newId();
  const messages = given.map((one) => message(one, id, ids, files, now));
  const title = string(chat.title).slice(0, TITLE_LENGTH);
  return {
    messages,
    conversation: {
      id,
      title,
      created: moment(chat.created, now),
      updated: now,
      pinned: chat.pinned === true,
      deleted: null,
      model: string(chat.model),
      system: string(chat.system),
      sampling: settingsIn(chat.sampling),
      leaf: ids.get(chat.leaf) ?? newestLeaf(messages),
    },
  };
}

function message(one, conversation, ids, files, now) {
  const read = {
    id: ids.get(one.id),
    conversation,
    parent: ids.get(one.parent) ?? "",
    role: one.role,
    at: moment(one.at, now),
    text: string(one.text),
  };
  if (one.role !== "assistant") {
    return Array.isArray(one.content)
      ? { ...read, content: one.content.flatMap((part) => partOf(part, files)) }
      : read;
  }
  return {
    ...read,
    thought: string(one.thought),
    model: string(one.model),
    state: one.state === "stopped" ? "stopped" : "done",
    tools: listed(one.tools).map((tool) => ({
      id: string(tool?.id),
      name: string(tool?.name),
      given: string(tool?.given),
    })),
    usage: numbers(one.usage, ["read", "made", "cached"]),
    ...(numbers(one, ["asked", "first", "ended", "pieces"]) ?? {}),
  };
}

function partOf(part, files) {
  if (part?.type === "text") {
    return [{ type: "text", text: string(part.text), ...(part.name ? { name: string(part.name) } : {}) }];
  }
  const file = MEDIA.has(part?.type) ? files.get(part.file) : undefined;
  return file ? [{ type: part.type, file, ...(part.label ? { label: string(part.label) } : {}) }] : [];
}

const isFile = (file) => ["id", "name", "type", "data"].every((member) => typeof file?.[member] === "string");
const string = (value) => (typeof value === "string" ? value : "");
const listed = (value) => (Array.isArray(value) ? value : []);
const moment = (value, now) => (Number.isFinite(value) && value > 0 && value <= now ? value : now);

function numbers(given, names) {
  const found = names.filter((name) => Number.isFinite(given?.[name])).map((name) => [name, given[name]]);
  return found.length ? Object.fromEntries(found) : null;
}

function settingsIn(given) {
  const known = SAMPLING.map(({ name }) => name).filter((name) => Number.isFinite(given?.[name]));
  return Object.fromEntries(known.map((name) => [name, given[name]]));
}
