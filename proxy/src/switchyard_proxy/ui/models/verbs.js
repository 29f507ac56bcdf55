// What may be done with a model in its phase, and whether it wants a question first. Values only: doing it is
// the business of orders.js, and the manager has the last word.

import { isComingUp } from "../store/phases.js";

const AT_REST = ["stopped", "failed", "stop_failed", "asleep"];
const LEAVES = ["ready", "asleep", "sleeping", "stop_failed"];

/**
 * @param {object} model
 * @returns {string[]} the verbs of the manager that would change something now, the likeliest first
 */
export function verbsOf(model) {
  const { phase, files } = model;
  const verbs = [];
  if (AT_REST.includes(phase) && !isWaitedFor(model)) verbs.push("load");
  if (isComingUp(phase) || isWaitedFor(model) || files?.at === "fetching") verbs.push("cancel");
  if (phase === "ready" && model.can_sleep) verbs.push("sleep");
  if (LEAVES.includes(phase)) verbs.push("unload");
  if (files && files.at !== "fetching" && files.at !== "unknown") verbs.push("pull");
  verbs.push(model.pinned ? "unpin" : "pin");
  return verbs;
}

/** Whether somebody waits for it while nothing has begun yet. */
export function isWaitedFor(model) {
  return AT_REST.includes(model.phase) && model.waiting > 0 && !model.retry_in_s;
}

/**
 * How many people's requests a verb would cut in on, so that it is asked about first; 0: nobody's.
 * @param {boolean} [isOurs] the reader asked for this load: managers count that as one who waits
 */
export function concerned(verb, model, isOurs = false) {
  if (verb === "cancel") return Math.max(0, model.waiting - (isOurs ? 1 : 0));
  return verb === "unload" || verb === "sleep" ? model.in_flight : 0;
}

/** What undoes a verb; null: nothing does. */
export function undoOf(verb) {
  return { pin: "unpin", unpin: "pin", unload: "load", sleep: "load" }[verb] ?? null;
}
