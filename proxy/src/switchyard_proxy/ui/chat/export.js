// Conversations as a file: JSON that can be brought back, Markdown to read. Pure; who calls it fetches the
// files.

import { branchIn } from "./branches.js";

export const FORMAT = "switchyard-chats";
export const FORMAT_VERSION = 1;

/**
 * @param {Array<{conversation: object, messages: object[]}>} chats
 * @param {Array<{id: string, name: string, type: string, data: string}>} files `data` as base64
 * @param {number} at milliseconds
 */
export function asJson(chats, files, at) {
  const shown = chats.map(({ conversation, messages }) => {
    const { deleted, ...rest } = conversation;
    return { ...rest, messages: messages.map(settled) };
  });
  const document = {
    format: FORMAT,
    version: FORMAT_VERSION,
    made: new Date(at).toISOString(),
    chats: shown,
    files,
  };
  return JSON.stringify(document, null, 1);
}

/** What is bound to this browser and this hour stays here. */
function settled({ conversation, lease, stream, ...rest }) {
  const isOver = !rest.state || ["done", "stopped", "failed"].includes(rest.state);
  return isOver ? rest : { ...rest, state: "stopped" };
}

/**
 * The branch that is shown, for people.
 * @param {object} conversation
 * @param {object[]} messages all of them
 * @param {{title: string, user: string, assistant: string, system: string, thought: string, file: string}}
 *   words
 */
export function asMarkdown(conversation, messages, words) {
  const parts = [`# ${heading(conversation.title || words.title)}`];
  if (conversation.system)
    parts.push(`> **${words.system}** ${conversation.system.replaceAll("\n", "\n> ")}`);
  for (const one of branchIn(messages, conversation.leaf)) parts.push(...section(one, words));
  return `${parts.join("\n\n")}\n`;
}

const heading = (text) => text.replace(/\s+/g, " ").trim();

function section(one, words) {
  const who = one.role === "assistant" ? one.model || words.assistant : words.user;
  const parts = [`## ${heading(who)}`];
  if (one.thought)
    parts.push(`<details><summary>${words.thought}</summary>\n\n${one.thought.trim()}\n\n</details>`);
  for (const part of one.content ?? [{ type: "text", text: one.text }]) parts.push(shownPart(part, words));
  for (const tool of one.tools ?? []) parts.push(fenced(tool.given, tool.name));
  return parts.filter(Boolean);
}

const shownPart = (part, words) => {
  if (part.type !== "text") return `*[${words.file}${part.label ? `: ${part.label}` : ""}]*`;
  return part.name ? `**${part.name}**\n\n${fenced(part.text)}` : part.text;
};

/** A fence that is longer than any within. */
function fenced(text, name = "") {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${name}\n${text}\n${fence}`;
}

/** A name for the file that no system refuses. */
export const fileName = (title, ending) =>
  `${
    title
      .normalize("NFC")
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 60) || "chat"
  }.${ending}`;
