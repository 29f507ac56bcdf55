// The answers under way in this browser, whatever view is shown: asked for, written down as they grow, found
// again after a reload. Each is one `Answer`; nothing here draws.

import { signal } from "../html.js";
import * as chats from "../store/chats.js";
import { newId } from "../store/ids.js";
import { startWork } from "../shell/progress.js";
import { Answer } from "./answer.js";
import { leasedFor, leaveTabName, tabName } from "./lease.js";
import { enter, pending, strike } from "./ledger.js";

const TAB = tabName(newId);
const SIGNS = {
  done: (work) => work.done(),
  failed: (work) => work.failed(),
  stopped: (work) => work.gone(),
};
const LIVE = new Set(["waiting", "streaming"]);

/** Message id → Answer; another Map whenever one comes or goes. */
export const answers = signal(new Map());
/** The last answer that was begun again beside a broken one: {conversation, message}. */
export const branched = signal(null);
/** The last answer that came to its end: its message. */
export const ended = signal(null);

/** Whether a message of the store claims to grow still. */
export const isLive = (record) => LIVE.has(record.state);

/**
 * Asks for an answer to the parent of `record`, which is in the store already.
 * @param {object} record a message with the state `waiting`
 */
export function begin(record) {
  const answer = enlist(record);
  answer.begin();
  return answer;
}

/**
 * Asks for the rest of an answer that stopped or failed.
 * @param {object} record
 */
export function goOn(record) {
  const answer = enlist(record);
  answer.goOn();
  return answer;
}

/**
 * Sees to it that a message which claims to grow has somebody who listens: this tab, unless another one does.
 * @param {object} record
 */
export function ensure(record) {
  if (!isLive(record) || answers.peek().has(record.id)) return;
  const wait = leasedFor(record, TAB, Date.now());
  if (!wait) enlist(record).reattach();
  else setTimeout(async () => look(record.id), wait + 100);
}

async function look(id) {
  const record = await chats.message(id);
  if (record) ensure(record);
  else strike(id);
}

/** Takes up what was under way when the page was left. */
export async function reattach() {
  for (const id of pending()) {
    const record = await chats.message(id);
    if (record && isLive(record)) ensure(record);
    else strike(id);
  }
}

/** @param {string} id of the message */
export const stop = (id) => answers.peek().get(id)?.stop();

function enlist(record) {
  const work = startWork();
  const answer = new Answer(record, {
    tab: TAB,
    onEnd: (last) => {
      leave(record.id);
      SIGNS[last.state](work);
      ended.value = last;
    },
    onBegunAgain: (sibling) => {
      begin(sibling);
      branched.value = { conversation: sibling.conversation, message: sibling.id };
    },
  });
  enter(record.id);
  answers.value = new Map(answers.peek()).set(record.id, answer);
  return answer;
}

function leave(id) {
  strike(id);
  const rest = new Map(answers.peek());
  rest.delete(id);
  answers.value = rest;
}

globalThis.addEventListener?.("pagehide", () => {
  leaveTabName(TAB);
  for (const answer of answers.peek().values()) answer.letGo();
});
// A page that comes back from the browser's cache has let go of its answers, and takes them up again.
globalThis.addEventListener?.("pageshow", ({ persisted }) => {
  if (!persisted) return;
  tabName(() => TAB);
  for (const answer of answers.peek().values()) answer.holdAgain();
});
