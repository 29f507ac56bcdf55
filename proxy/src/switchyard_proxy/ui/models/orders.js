// Gives a manager the reader's orders: asks first where people would be cut in on, and offers the way back.
// What comes of an order is shown when the manager says it, never before.

import { explain } from "../api.js";
import { effect, signal } from "../html.js";
import { t } from "../i18n/index.js";
import { confirm } from "../shell/dialog.js";
import { toast } from "../shell/toast.js";
import { models } from "../store/live.js";
import { keyOf } from "../store/news.js";
import { command } from "./calls.js";
import { concerned, undoOf } from "./verbs.js";

/** The models that the reader asked to load, until they are up: whoever else waits is others' business. */
const wished = new Set();

/** The orders that are on their way: the model's key to its verb. */
export const underWay = signal(new Map());

/**
 * @param {string} verb
 * @param {object} model
 * @returns {Promise<boolean>} whether the manager took it
 */
export async function order(verb, model) {
  if (underWay.peek().get(keyOf(model)) === verb || !(await isWanted(verb, model))) return false;
  note(model, verb);
  try {
    const { changed } = await command(model, verb);
    if (verb === "load" && changed) remember(model);
    tell(verb, model, changed);
    return true;
  } catch (error) {
    toast({ text: explain(error), kind: "err" });
    return false;
  } finally {
    if (underWay.peek().get(keyOf(model)) === verb) note(model, null);
  }
}

function remember(model) {
  const key = keyOf(model);
  wished.add(key);
  const forget = effect(() => {
    const now = models.value.find((one) => keyOf(one) === key);
    if (now && ["ready", "failed"].includes(now.phase) && now.at > model.at) wished.delete(key);
    if (!wished.has(key)) queueMicrotask(() => forget());
  });
}

async function isWanted(verb, model) {
  const n = concerned(verb, model, wished.has(keyOf(model)));
  if (!n) return true;
  return confirm({
    title: t(`models.ask.${verb}.title`, { name: model.name }),
    text: t(`models.ask.${verb}.text`, { n }),
    yes: t(`models.verb.${verb}`),
    danger: true,
  });
}

function tell(verb, model, changed) {
  const { name } = model;
  const text = changed ? t(`models.done.${verb}`, { name }) : t("models.done.nothing", { name });
  const undo = changed ? undoOf(verb) : null;
  const action = undo ? { label: t("models.undo"), run: () => order(undo, model) } : undefined;
  toast({ text, kind: changed ? "ok" : "info", action });
}

function note(model, verb) {
  const next = new Map(underWay.peek());
  if (verb) next.set(keyOf(model), verb);
  else next.delete(keyOf(model));
  underWay.value = next;
}
