// Requests summed up: how many, how many went wrong, tokens, speed and spans, by model, key, route or hour.

import { request } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { lang, number, t } from "../i18n/index.js";
import { clock } from "./clock.js";
import { GROUPS, searchOf } from "./filters.js";
import { counted, Segmented, span } from "./marks.js";
import { COLUMNS, sorted, SPREAD, total } from "./shares.js";

const EVERY_MS = 10_000;

/**
 * @param {{filters: object, by: string, onBy: (by: string) => void,
 *   onFilter: (partial: object) => void}} props
 */
export function Stats({ filters, by, onBy, onFilter }) {
  const { shares, problem } = useShares(filters, by);
  const [order, setOrder] = useState({ column: "requests", up: false });
  return html`<div class="stack">
    <div class="toolbar"><span class="dim" aria-hidden="true">${t("activity.by")}</span>
      <${Segmented} label=${t("activity.by")} name="activity-by" chosen=${by} onChoose=${onBy}
        options=${GROUPS.map((group) => [group, t(`activity.group.${group}`)])} /></div>
    ${problem && html`<p class="notice" role="alert">${problem.message}</p>`}
    ${shares?.length === 0 && html`<p class="empty">${t("activity.none_so")}</p>`}
    ${shares?.length > 0 && html`
      <div class="table-scroll" tabindex="0" role="region" aria-label=${t("activity.stats")}>
      <table class="table activity-shares">
        <thead><tr>${COLUMNS.map((column) => html`
          <${Head} key=${column} column=${column} by=${by} order=${order} onOrder=${setOrder} />`)}</tr>
        </thead>
        <tbody>${sorted(shares, order, by).map((share) => html`
          <${Share} key=${share[by]} share=${share} by=${by} onFilter=${onFilter}
            most=${Math.max(...shares.map((one) => one.requests))} />`)}</tbody>
        <tfoot><${Sum} shares=${shares} /></tfoot>
      </table></div>
      <p class="dim">${t("activity.about_spreads")}</p>`}
  </div>`;
}

function useShares(filters, by) {
  const [found, setFound] = useState({ shares: null, problem: null });
  useEffect(() => {
    const stop = new AbortController();
    const ask = () => !document.hidden && sharesOf(filters, by, stop.signal).then(
      (shares) => setFound({ shares, problem: null }),
      (problem) => stop.signal.aborted || setFound({ shares: null, problem }),
    );
    ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => { stop.abort(); clearInterval(timer); };
  }, [JSON.stringify(filters), by]);
  return found;
}

async function sharesOf(filters, by, signal) {
  const asked = searchOf(filters, Date.now() / 1000);
  asked.set("by", by);
  // Without a beginning the proxy sums up the last day only.
  if (!asked.has("since")) asked.set("since", "0");
  return (await request("GET", `/api/requests/stats?${asked}`, { signal })).shares;
}

function Head({ column, by, order, onOrder }) {
  const isChosen = order.column === column;
  const turn = () => onOrder({ column, up: isChosen ? !order.up : column === "name" });
  return html`<th scope="col" class=${column === "name" ? "" : "number"}
      aria-sort=${isChosen ? (order.up ? "ascending" : "descending") : "none"}>
    <button type="button" class="activity-sort" onClick=${turn}>
      ${column === "name" ? t(`activity.field.${by}`) : t(`activity.sum.${column}`)}
      <span aria-hidden="true">${isChosen ? (order.up ? " ↑" : " ↓") : ""}</span></button></th>`;
}

function Share({ share, by, most, onFilter }) {
  const name = by === "hour" ? clock(share.hour, Date.now() / 1000, lang.value) : share[by] || "–";
  const filter = by !== "hour" && share[by] ? () => onFilter({ [by]: share[by] }) : null;
  return html`<tr>${COLUMNS.map((column) => (column === "name" ? html`<th scope="row">
      ${filter ? html`<button type="button" class="activity-name" onClick=${filter}>${name}</button>` : name}
      <span class="activity-weight" aria-hidden="true" style=${{ "--share": share.requests / most }}></span>
    </th>` : html`<td class="number">${cellOf(share, column)}</td>`))}</tr>`;
}

function cellOf(share, column) {
  if (SPREAD.has(column)) return html`<${Spread} spread=${share.spreads[column]} />`;
  if (column === "speed") return share.tokens_per_second === null ? "–"
    : number(share.tokens_per_second, { maximumFractionDigits: 1 });
  return column === "errors" && share.errors > 0
    ? html`<span class="tone-err">✕ ${number(share.errors)}</span>` : counted(share[column]);
}

const Spread = ({ spread }) => (spread
  ? html`${span(spread.p50)} <span class="dim">/ ${span(spread.p95)}</span>` : "–");

function Sum({ shares }) {
  const sums = total(shares);
  return html`<tr>${COLUMNS.map((column) => (column === "name"
    ? html`<th scope="row">${t("activity.total")}</th>`
    : html`<td class="number">${sums[column] === undefined ? "" : counted(sums[column])}</td>`))}</tr>`;
}
