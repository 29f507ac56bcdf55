// The list of models: for each machine what it has and what it runs; then names that stand for one of several
// models.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { link, machines, models, sites } from "../store/live.js";
import { keyOf } from "../store/news.js";
import { census, SORTS } from "./listing.js";
import { Machine } from "./machine.js";
import { listed, place, show } from "./place.js";
import { mayOperate } from "./rights.js";
import { Row } from "./row.js";

const COLUMNS = ["name", "phase", "memory", "used", "requests"];

export function List() {
  if (models.value.length === 0) return html`<${Nothing} />`;
  const several = listed.value.length > 1;
  return html`${listed.value.map((group) => html`
    <${Group} key=${group.site} group=${group} isOneOfSeveral=${several} />`)}
    <${Virtuals} />`;
}

function Group({ group, isOneOfSeveral }) {
  const machine = machines.value.find(({ site }) => site === group.site);
  const all = models.value.filter((model) => (model.site ?? 0) === group.site);
  return html`<section class="models-group" aria-label=${group.name ?? t("models.machine")}>
    ${(machine || isOneOfSeveral || mayOperate.value) && html`<${Machine} machine=${machine}
        group=${group} />`}
    <p class="models-census dim small">${census(all).map(({ phase, n }) => html`
      <span key=${phase}>${t(`shell.phase.${phase}`)} ${n}</span>`)}</p>
    ${group.models.length > 0 ? html`<${Table} models=${group.models} />`
      : html`<p class="dim models-none">${all.length ? t("models.none_match") : t("models.none_here")}</p>`}
  </section>`;
}

function Table({ models: rows }) {
  const { sort } = place.value;
  return html`<table class="table models-table">
    <thead><tr>${COLUMNS.map((name) => html`
      <th key=${name} scope="col" class=${`models-head-${name}`}
          aria-sort=${sort === name ? SORTED[name] : undefined}>
        <button class="models-sort" onClick=${() => show({ sort: name }, { replace: true })}>
          ${t(`models.column.${name}`)}<span
              aria-hidden="true">${sort === name ? " ▾" : ""}</span></button></th>`)}
      <th><span class="aside-screen">${t("models.column.actions")}</span></th></tr></thead>
    <tbody>${rows.map((model) => html`<${Row} key=${keyOf(model)} model=${model} />`)}</tbody>
  </table>`;
}

const SORTED = {
  name: "ascending", phase: "other", memory: "descending", used: "descending", requests: "descending",
};

/** The order, for where the table has no heads: on a phone. */
export function SortChoice() {
  return html`<label class="models-sort-choice"><span class="aside-screen">${t("models.sort")}</span>
    <select class="select" value=${place.value.sort}
        onChange=${(event) => show({ sort: event.target.value }, { replace: true })}>
      ${SORTS.map((name) => html`<option key=${name} value=${name}>${t(`models.sort_by.${name}`)}</option>`)}
    </select></label>`;
}

/** Names of models.json that stand for the best of several models at the moment of the request. */
function Virtuals() {
  const virtual = sites.value.flatMap(({ site, virtual: own = [] }) => own.map((one) => ({ ...one, site })));
  const first = sites.value.flatMap(({ site, default_model: name }) => (name ? [{ site, name }] : []));
  if (!virtual.length && !first.length) return null;
  return html`<section class="panel models-virtuals"><h2 class="panel-title">${t("models.virtual.title")}</h2>
    <ul class="list">
      ${virtual.map(({ name, candidates, prefer, description, site }) => html`<li key=${`${site}/${name}`}
          class="row">
        <span class="row-main"><strong class="wrap">${name}</strong>
          <span class="dim small models-under wrap">
            ${t(`models.virtual.${prefer}`, { names: candidates.join(", ") })}</span>
          ${description && html`<span class="small models-under wrap">${description}</span>`}</span></li>`)}
      ${first.map(({ name, site }) => html`<li key=${`default ${site}`} class="row"><span
          class="row-main wrap">
        ${t("models.virtual.default", { name })}</span></li>`)}
    </ul></section>`;
}

function Nothing() {
  if ([401, 403].includes(link.value.status)) return null; // which is said above
  const isWaiting = link.value.heard === null && link.value.state !== "live";
  if (isWaiting && link.value.state === "connecting") return html`<div class="models-skeletons"
      aria-busy="true">
    ${[0, 1, 2].map((at) => html`<span key=${at} class="skeleton"></span>`)}</div>`;
  return html`<div class="empty"><p>${isWaiting ? t("models.unheard") : t("models.none")}</p></div>`;
}
