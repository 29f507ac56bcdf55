// What can be done with a whole conversation: named, pinned, deleted with a way back.

import { t } from "../i18n/index.js";
import { go } from "../routes.js";
import { prompt } from "../shell/dialog.js";
import { toast } from "../shell/toast.js";
import * as chats from "../store/chats.js";
import { answers } from "./answers.js";
import { current } from "./open.js";

const titleOf = (chat) => chat.title || t("chat.untitled");

/** @param {object} chat @param {string} [given] the name, where it is known already */
export async function rename(chat, given) {
  const asked = { title: t("chat.rename"), label: t("chat.name"), value: chat.title, yes: t("chat.save") };
  const title = given || (await prompt(asked));
  if (title !== undefined) await alter(chat, { title });
}

export const togglePin = (chat) => alter(chat, { pinned: !chat.pinned });

async function alter(chat, part) {
  await chats.change(chat.id, part);
  if (current.peek().id === chat.id) current.value = { ...current.peek(), ...part };
}

/** Hidden at once, and with it what it was about to say; `undo` brings back what there was. */
export async function remove(chat) {
  const wasHere = current.peek().id === chat.id;
  for (const answer of answers.peek().values()) if (answer.record.conversation === chat.id) answer.stop();
  await chats.remove(chat.id);
  if (wasHere) go("#/chat");
  const bringBack = async () => {
    await chats.restore(chat.id);
    if (wasHere) go(`#/chat/${chat.id}`);
  };
  toast({
    text: t("chat.deleted", { title: titleOf(chat) }),
    action: { label: t("chat.undo"), run: bringBack },
  });
}
