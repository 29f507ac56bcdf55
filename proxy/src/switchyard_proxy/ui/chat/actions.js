// What a reader can do with the open conversation: say something, change it, have it answered again, walk its
// branches, change its settings. Each writes the store first, and then sees to it that the page shows it.

import { batch } from "../html.js";
import { t } from "../i18n/index.js";
import { filesIn, textOf } from "../media/outgoing.js";
import { fileStore } from "../media/store.js";
import { go } from "../routes.js";
import { announce } from "../shell/announcer.js";
import { copyText } from "../shell/copy.js";
import { toast } from "../shell/toast.js";
import * as chats from "../store/chats.js";
import { facts } from "../store/live.js";
import * as answers from "./answers.js";
import { bodyFor, systemOf } from "./asking.js";
import { place } from "./branches.js";
import { curl } from "./curl.js";
import { chosenModel } from "./models.js";
import { branch, current, editing, endWanted, family, pointed, reload, replace } from "./open.js";

const TITLE_LENGTH = 80;

/** A name for a conversation, from what was said first. */
export const titleFrom = (text) => text.replace(/\s+/g, " ").trim().slice(0, TITLE_LENGTH);

/**
 * Says something at the end of the branch that is shown, and asks for an answer.
 * @param {object[]} content as the composer gives it
 */
export async function send(content) {
  const model = chosenModel.peek();
  if (!model) {
    toast({ text: t("chat.no_model"), kind: "warn" });
    return false;
  }
  try {
    await say(content, current.peek().leaf ?? chats.ROOT, model);
    return true;
  } catch (error) {
    toast({ text: t("chat.not_kept", { reason: error.message }), kind: "err" });
    return false;
  }
}

/** Says something else in the place of an earlier message; the earlier one stays as another branch. */
export async function edit(record, content) {
  editing.value = null;
  const question = await say(content, record.parent, chosenModel.peek() || record.model);
  pointed.value = { id: question.id };
}

async function say(content, parent, model) {
  const conversation = await stored(textOf(content), model);
  const question = chats.newMessage({
    conversation: conversation.id,
    parent,
    role: "user",
    text: textOf(content),
    content,
  });
  const answer = chats.newMessage({
    conversation: conversation.id,
    parent: question.id,
    role: "assistant",
    model,
    state: "waiting",
  });
  await chats.add([question, answer], { leaf: answer.id, model });
  await grow(answer);
  return question;
}

async function grow(answer) {
  answers.begin(answer);
  announce(t("chat.said.begun"));
  await reload(answer.id);
  endWanted.value += 1;
}

/** The open conversation, in the store from its first word on. */
async function stored(text, model) {
  const { isNew, ...record } = current.peek();
  const named = { ...record, model, title: record.title || titleFrom(text) };
  if (isNew) {
    await chats.keep(named);
    current.value = named;
    go(`#/chat/${named.id}`, { replace: true });
  } else if (named.title !== record.title) {
    current.value = await chats.change(record.id, { title: named.title });
  }
  return named;
}

/** Another answer beside this one, by the model that is chosen now. */
export async function retry(record) {
  const model = chosenModel.peek() || record.model;
  const { conversation, parent } = record;
  const answer = chats.newMessage({ conversation, parent, role: "assistant", model, state: "waiting" });
  await chats.add([answer], { leaf: answer.id, model });
  await grow(answer);
  pointed.value = { id: answer.id };
}

/** The same answer once more: in its own place if nothing came of it, else beside what came. */
export async function retryInPlace(record) {
  if (record.text || record.thought) return retry(record);
  const { error, ended, ...rest } = record;
  const again = { ...rest, model: chosenModel.peek() || record.model, state: "waiting", stream: null };
  await chats.update(again);
  answers.begin(again);
  replace([again]);
  pointed.value = { id: record.id };
}

/** The rest of an answer that stopped, failed or ran into its limit. */
export function goOn(record) {
  replace([answers.goOn(record).record]);
  pointed.value = { id: record.id };
}

/** To the sibling before (-1) or after (1). */
export async function step(record, way) {
  const at = place(family.peek().get(record.id) ?? [], record.id);
  const sibling = way < 0 ? at.before : at.after;
  if (!sibling) return;
  const leaf = await chats.lastBelow(record.conversation, sibling);
  await chats.change(record.conversation, { leaf });
  await reload(leaf);
  pointed.value = { id: sibling };
}

/** Changes members of the open conversation, in the store once it is there. */
export async function adjust(part) {
  const record = current.peek();
  current.value = { ...record, ...part };
  if (!record.isNew) await chats.change(record.id, part);
}

export async function copyMessage(record) {
  said(await copyText(answers.answers.peek().get(record.id)?.text ?? record.text));
}

export const copyThought = async (record) => said(await copyText(record.thought));

/** The request of an answer, or of the next one, as a line for a shell. */
export async function copyCurl(record) {
  const body = await bodyFor(record.conversation, record.parent, record.model);
  said(await copyText(curl(location.origin, body, facts.peek()?.keys ?? false)));
}

const said = (isThere) =>
  toast(isThere ? { text: t("shell.copied"), kind: "ok" } : { text: t("shell.not_copied"), kind: "err" });

/** The messages that would go with the next question, for counting. */
export const history = () => spoken(current.peek().isNew ? null : current.peek().leaf);

/** Those that would go with another question in the place of this one. */
export const historyBefore = (record) => spoken(record.parent);

async function spoken(leaf) {
  const records = await chats.branch(leaf);
  const system = systemOf(current.peek());
  const first = system ? [{ role: "system", content: system }] : [];
  return [...first, ...records.map((one) => ({ role: one.role, content: one.content ?? one.text }))];
}

/** Stops the answer that grows at the end of what is shown. False: there is none. */
export function stop() {
  const record = branch.peek().findLast((one) => answers.answers.peek().has(one.id));
  if (!record) return false;
  answers.stop(record.id);
  return true;
}

/** The last question, to be changed. */
export function editLast() {
  const record = branch.peek().findLast((one) => one.role === "user");
  if (record) editing.value = record.id;
}

/** Forgets for good what was deleted a while ago, and lets its files go. */
export async function sweep() {
  const forgotten = await chats.sweep();
  const files = forgotten.flatMap((one) => filesIn(one.content ?? ""));
  if (files.length) await fileStore.remove(files);
}

/** What the store says anew of messages that another tab writes. */
export async function hear({ conversation, message }) {
  const { id, isNew } = current.peek();
  if (isNew || conversation !== id || answers.answers.peek().has(message)) return;
  const record = await chats.message(message);
  if (!record) return;
  if (branch.peek().some((one) => one.id === message)) batch(() => replace([record]));
  else if (branch.peek().at(-1)?.id === record.parent) await reload(message);
}
