// Which models are listed, in which order, under which machine. Values only.

import { PHASES } from "../store/phases.js";

export const SORTS = ["name", "phase", "memory", "used", "requests"];

const BY_LIFE = [
  "ready", "warming", "loading", "starting", "waking", "draining", "sleeping", "stopping", "asleep", "failed",
  "stop_failed", "stopped",
];

/** What each order compares: smaller comes first. */
const MEASURES = {
  name: () => 0,
  phase: (model) => BY_LIFE.indexOf(model.phase),
  memory: (model) => -(model.measured_mib ?? model.claim_mib ?? 0),
  used: (model) => -(usedAt(model) ?? 0),
  requests: (model) => -(model.in_flight + model.waiting),
};

/** When it was last used, in seconds since 1970: now if it is in use; null where nobody knows. */
export function usedAt(model) {
  if (model.in_flight > 0) return model.at;
  return model.idle_s === null || model.idle_s === undefined ? null : model.at - model.idle_s;
}

/**
 * Whether a model is meant by every word: its names, type, engine, phase, machine, what it can do.
 * @param {object} model
 * @param {string} filter
 * @param {string} [place] its machine's name
 */
export function matches(model, filter, place = "") {
  const text = [
    model.name, ...(model.aliases ?? []), model.type, model.engine, model.phase, place,
    ...Object.keys(model.serving?.variants ?? {}), ...(model.capabilities ?? []), model.description ?? "",
    model.pinned ? "pinned" : "",
  ].join("\n").toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/**
 * The models of each machine, filtered and in order.
 * @param {ReadonlyArray<object>} models
 * @param {{filter?: string, sort?: string, sites?: ReadonlyArray<object>}} wish
 * @returns {Array<{site: number, name: string|null, connected: boolean, models: object[]}>}
 */
export function groups(models, { filter = "", sort = "name", sites = [] }) {
  const known = new Map(sites.map((site) => [site.site, site]));
  const numbers = new Set([...known.keys(), ...models.map((model) => model.site ?? 0)]);
  return [...numbers].sort((a, b) => a - b).map((site) => {
    const { name = null, connected = true } = known.get(site) ?? {};
    const own = models.filter((model) => (model.site ?? 0) === site && matches(model, filter, name ?? ""));
    return { site, name, connected, models: own.sort(by(sort)) };
  });
}

function by(sort) {
  const measure = MEASURES[sort] ?? MEASURES.name;
  return (a, b) => measure(a) - measure(b) || a.name.localeCompare(b.name, "en", { numeric: true });
}

/** How many models are in each phase, in the order of a life, without those that none is in. */
export function census(models) {
  return PHASES.map((phase) => ({ phase, n: models.filter((model) => model.phase === phase).length })).filter(
    ({ n }) => n > 0,
  );
}

/** The one after or before another, by its key; the first or the last where none is chosen. */
export function neighbour(keys, chosen, step) {
  const at = keys.indexOf(chosen);
  if (at < 0) return (step > 0 ? keys[0] : keys.at(-1)) ?? null;
  return keys[Math.min(Math.max(at + step, 0), keys.length - 1)];
}
