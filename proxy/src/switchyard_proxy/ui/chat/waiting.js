// What to say of a model that is not there yet: what it does, how far it is, who is before it, and for how
// long, as far as that is known. Pure; nothing is guessed.

import { isComingUp } from "../store/phases.js";

const SHARE = /(\d{1,3}(?:\.\d+)?) ?%/;

/**
 * @param {object|null} model a ModelStatus
 * @param {object[]} machines
 * @param {number} now seconds since 1970
 * @returns {null | {phase: string, share: number|null, progress: string|null, blocked: string|null, left:
 *   number|null, place: number|null, behind: string|null, waited: number|null, failure: object|null, retryIn:
 *   number|null}} null: it is there, and nothing is waited for
 */
export function waiting(model, machines, now) {
  if (!model || model.phase === "ready") return null;
  const share = model.progress?.match(SHARE)?.[1];
  return {
    phase: model.phase,
    share: share === undefined ? null : Math.min(1, share / 100),
    progress: model.progress ?? null,
    blocked: model.blocked ?? null,
    left: left(model, now),
    ...queuePlace(model, machines),
    waited: model.waited_s ?? null,
    failure: model.failure ?? null,
    retryIn: model.retry_in_s ?? null,
  };
}

/**
 * Seconds until it serves, as past loads went, less what has gone by since that was said. Null: not known.
 */
function left(model, now) {
  if (!isComingUp(model.phase) || model.expected_s === null || model.expected_s === undefined) return null;
  return Math.max(0, model.expected_s - Math.max(0, now - (model.at ?? now)));
}

function queuePlace(model, machines) {
  const queue = machines.find((machine) => machine.site === model.site)?.queue ?? [];
  const at = queue.findIndex((one) => one.model === model.name);
  return { place: at < 0 ? null : at + 1, behind: at > 0 ? queue[at - 1].model : null };
}

/**
 * The models that will be moved out for it, from the manager's explanation. Empty: none, or nobody knows.
 * @param {object|null} explanation
 */
export const movedOut = (explanation) =>
  explanation?.outcome === "evict" ? (explanation.victims ?? []) : [];
