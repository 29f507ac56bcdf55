// The keys of the chat, and which message each of them means: the one with the focus, else the last that
// fits.

import { go } from "../routes.js";
import * as actions from "./actions.js";
import { openDrawer } from "./head.js";
import { branch, editing, shown } from "./open.js";
import { followEnd } from "./transcript.js";

const articles = () => [...document.querySelectorAll(".chat-scroll article.message")];
const focused = () => document.activeElement?.closest?.("article.message") ?? null;
const recordOf = (article) => branch.peek().find((one) => `m-${one.id}` === article?.id);

/** @param {(record: object) => boolean} fits */
function meant(fits) {
  const own = recordOf(focused());
  if (own) return fits(own) ? own : null;
  return branch.peek().slice(0, shown.peek().to).findLast(fits) ?? null;
}

const isAnswer = (record) => record.role === "assistant";
const isQuestion = (record) => record.role === "user";

/** Runs for the message that is meant. False: there is none, and the key is free for others. */
const on = (fits, act) => () => {
  const record = meant(fits);
  if (!record) return false;
  act(record);
  return true;
};

function walk(way) {
  const all = articles();
  const at = all.indexOf(focused());
  const next = at < 0 ? all.at(way < 0 ? -1 : 0) && all.at(-1) : all[at + way];
  if (!next) return false;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function toSearch() {
  if (!document.querySelector(".chat-side .chat-search")?.offsetParent) openDrawer();
  (
    document.querySelector(".chat-drawer .chat-search") ?? document.querySelector(".chat-side .chat-search")
  )?.focus();
}

/** Out of the field, to where single keys act. */
function toReading() {
  const field = document.activeElement;
  if (!field?.closest?.(".chat-writing")) return false;
  const target = document.querySelector(".chat-scroll");
  if (target) target.focus({ preventScroll: true });
  else field.blur();
  return true;
}

function toWriting() {
  const field = document.querySelector(".chat-writing textarea");
  field?.focus();
  return Boolean(field);
}

export const keys = [
  { keys: "i", title: "chat.key.write", run: toWriting },
  { keys: "Escape", title: "chat.key.read", run: toReading },
  { keys: "j", title: "chat.key.next", run: () => walk(1) },
  { keys: "k", title: "chat.key.previous", run: () => walk(-1) },
  { keys: "c", title: "chat.key.copy", run: on(() => true, actions.copyMessage) },
  {
    keys: "e",
    title: "chat.key.edit",
    run: on(isQuestion, (record) => {
      editing.value = record.id;
    }),
  },
  { keys: "r", title: "chat.key.retry", run: on(isAnswer, actions.retry) },
  {
    keys: "[",
    title: "chat.key.branch_before",
    run: on(
      () => true,
      (record) => actions.step(record, -1),
    ),
  },
  {
    keys: "]",
    title: "chat.key.branch_after",
    run: on(
      () => true,
      (record) => actions.step(record, 1),
    ),
  },
  {
    keys: "End",
    title: "chat.key.end",
    run: () => {
      followEnd();
    },
  },
  { keys: "n", title: "chat.key.new", run: () => go("#/chat") },
  { keys: "/", title: "chat.key.search", run: toSearch },
  { keys: "Ctrl+.", title: "chat.key.stop", run: () => actions.stop() },
];
