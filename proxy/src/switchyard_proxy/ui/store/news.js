// What is known of models and machines, as the events of /api/live change it. Values only: no network, no
// page, no clock of its own, so that a tab and the shared worker come to the same.

import { record } from "./usage.js";

/**
 * @typedef {object} News
 * @property {ReadonlyArray<object>} models each as the manager says it, with `site`, and `at`, when that was
 * @property {ReadonlyArray<object>} machines one for each manager; empty for those who may not operate
 * @property {ReadonlyArray<object>} sites which managers there are, and whether they are connected
 * @property {object} usage how the use of each GPU went (see usage.js)
 */

/** @type {News} */
export const NOTHING = Object.freeze({ models: [], machines: [], sites: [], usage: {} });

/** Several managers may have a model of the same name: only both together tell one. */
export function keyOf(model) {
  return `${model.site ?? 0}/${model.name}`;
}

/**
 * What is known after an event; the same object if it says nothing of note.
 * @param {News} news
 * @param {{event: string, data: object}} event `data` already read from its JSON
 * @param {number} at when it was heard, in seconds since 1970
 * @returns {News}
 */
export function apply(news, { event, data }, at) {
  switch (event) {
    case "state":
      return withMachines({ ...news, models: begun(data.models, at), sites: data.sites ?? [] }, data, at);
    case "models":
      return { ...news, models: changed(news.models, data, at) };
    case "machines":
      return withMachines(news, data, at);
    case "sites":
      return { ...news, sites: data.sites ?? [] };
    default:
      return news;
  }
}

/** What a proxy knows of how long a model has been idle may be old when it is told first. */
function begun(models = [], at) {
  return models.map((model) => (model.at === undefined ? { ...model, idle_s: null, at } : model));
}

/**
 * Machines are told of every few seconds, and say what moves with the time in their models. When that was is
 * by this browser's clock, which need not be the proxy's, unless a machine is away.
 */
function withMachines(news, { machines = [], usage }, at) {
  const heard = (machine) => (machine.connected === false ? machine.at ?? at : at);
  const told = machines.map((machine) => ({ ...machine, at: heard(machine) }));
  const fresh = new Map(
    told.filter(({ connected }) => connected !== false).flatMap(({ site, models = [] }) =>
      models.map((model) => [keyOf({ ...model, site }), { ...model, site, at }])),
  );
  return {
    ...news,
    machines: told,
    models: fresh.size ? news.models.map((model) => ({ ...model, ...fresh.get(keyOf(model)) })) : news.models,
    usage: usage ?? record(news.usage, told, at),
  };
}

function changed(models, { changed: fresh = [], gone = [] }, at) {
  const news = new Map(fresh.map((model) => [keyOf(model), { ...model, at }]));
  const left = new Set(gone.map((one) => (typeof one === "string" ? one : keyOf(one))));
  const kept = models
    .filter((model) => !left.has(keyOf(model)) && !left.has(model.name))
    .map((model) => news.get(keyOf(model)) ?? model);
  const known = new Set(kept.map(keyOf));
  return [...kept, ...[...news.values()].filter((model) => !known.has(keyOf(model)))];
}
