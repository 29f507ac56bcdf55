// Gathers what is sent for an answer: the branch from the store, files from their shelf, settings from both
// places. It sends nothing itself.

import { filesIn, outgoing } from "../media/outgoing.js";
import * as chats from "../store/chats.js";
import { settings } from "../store/settings.js";
import { body, sampling, told, wireMessage } from "./request.js";

export const PATH = "/v1/chat/completions";

/**
 * The whole body for an answer that is to follow `parent`.
 * @param {string} conversationId
 * @param {string} parent the message that is answered
 * @param {string} model
 */
export async function bodyFor(conversationId, parent, model) {
  const [conversation, branch] = await Promise.all([
    chats.conversation(conversationId),
    chats.branch(parent),
  ]);
  const records = told(branch);
  const messages = await Promise.all(records.map(spelled));
  const hasMedia = records.some((one) => filesIn(one.content ?? "").length > 0);
  return body({
    model,
    system: systemOf(conversation),
    messages,
    sampling: sampling(conversation?.sampling, settings.peek().sampling),
    extra: hasMedia ? { labels: false } : {}, // they are in the text already, as the reader saw them
  });
}

const spelled = async (record) =>
  wireMessage(record, record.content ? await outgoing(record.content) : record.text);

/** The prompt that holds for a conversation: its own, else the page's. */
export const systemOf = (conversation) => conversation?.system || settings.peek().system;
