// Activity: what was asked, by whom, how long it took and how it ended; live, with filters in the address.

import { request } from "../api.js";
import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { format, go } from "../routes.js";
import { models } from "../store/live.js";
import { FilterBar } from "./filter-bar.js";
import { GROUPS, NONE, queryOf, read } from "./filters.js";
import { Ledger } from "./ledger.js";
import { Segmented } from "./marks.js";
import { RequestList } from "./request-list.js";
import { Stats } from "./stats.js";

/** @param {{route: {path: string[], query: Record<string, string>}}} props */
export default function Activity({ route }) {
  const filters = read(route.query);
  const place = {
    tab: route.path[0] === "stats" ? "stats" : "requests",
    by: GROUPS.includes(route.query.by) ? route.query.by : "model",
    request: route.query.request ?? "",
  };
  const show = (change, partial = {}) => go(addressOf({ ...place, ...change }, { ...filters, ...partial }), {
    replace: change.tab === undefined,
  });
  const names = useNames();
  return html`<div class="view activity">
    <header class="view-head"><h1 class="view-title">${t("activity.title")}</h1>
      <${Segmented} label=${t("activity.title")} name="activity-tab" chosen=${place.tab}
        options=${["requests", "stats"].map((tab) => [tab, t(`activity.${tab}`)])}
        onChoose=${(tab) => show({ tab })} />
    </header>
    <${FilterBar} filters=${filters} models=${names.models} keys=${names.keys}
      onChange=${(partial) => show({ request: "" }, partial)} onClear=${() => show({ request: "" }, NONE)} />
    ${place.tab === "stats"
      ? html`<${Stats} filters=${filters} by=${place.by} onBy=${(by) => show({ by })}
          onFilter=${(partial) => show({ tab: "requests" }, partial)} />`
      : html`<${Requests} filters=${filters} chosen=${place.request} onSeen=${names.see}
          onChoose=${(row) => show({ request: row?.request_id ?? "" })}
          onFilter=${(partial) => show({ request: "" }, partial)}
          onClear=${() => show({ request: "" }, NONE)} />`}
  </div>`;
}

function addressOf({ tab, by, request: chosen }, filters) {
  const isStats = tab === "stats";
  const own = isStats ? { by: by === "model" ? "" : by } : { request: chosen };
  const query = { ...queryOf(filters), ...own };
  return format({ view: "activity", path: isStats ? ["stats"] : [], query });
}

/** The names to choose from: models that there are, and whatever stood in a row. */
function useNames() {
  const [seen, setSeen] = useState({ models: [], keys: [] });
  const see = (rows) => setSeen((before) => {
    const next = {
      models: joined(before.models, rows.map((row) => row.model)),
      keys: joined(before.keys, rows.map((row) => row.key)),
    };
    const isMore = next.models.length > before.models.length || next.keys.length > before.keys.length;
    return isMore ? next : before;
  });
  return { see, keys: seen.keys, models: joined(seen.models, models.value.map((model) => model.name)) };
}

const joined = (names, more) => [...new Set([...names, ...more.filter(Boolean)])];

function Requests({ filters, chosen, onChoose, onFilter, onClear, onSeen }) {
  const head = useRef(null);
  // Reading further down, or in what is open, nothing may move.
  const hold = () => isReading(head.current);
  const ledger = useMemo(() => new Ledger({ hold }), []);
  const known = JSON.stringify(filters);
  useEffect(() => {
    ledger.begin(filters);
    return () => ledger.end();
  }, [known]);
  const { rows, held, before, missed } = ledger.list.value;
  useEffect(() => onSeen(rows), [rows]);
  const extra = useOne(chosen, rows, ledger.state.value);
  const release = () => {
    ledger.release();
    head.current.scrollIntoView({ block: "nearest" });
  };
  return html`<section class="activity-requests" aria-label=${t("activity.requests")}>
    <div class="activity-news" ref=${head}>
      <${Line} line=${ledger.line.value} />
      ${missed > 0 && html`<span class="dim">${t("activity.missed", { n: missed })}</span>`}
      ${held.length > 0 && html`<button type="button" class="button activity-fresh" onClick=${release}>
        ↑ ${t("activity.fresh", { n: held.length })}</button>`}
    </div>
    <${Problem} error=${ledger.problem.value} onAgain=${() => ledger.begin(filters)} />
    ${extra && html`<${RequestList} rows=${[extra]} chosen=${chosen} onChoose=${onChoose}
      onFilter=${onFilter} />`}
    ${rows.length > 0 && html`<${RequestList} rows=${rows} chosen=${chosen} onChoose=${onChoose}
      onFilter=${onFilter} />`}
    ${ledger.state.value === "ready" && rows.length === 0
      && html`<${Nothing} filters=${filters} onClear=${onClear} />`}
    ${before !== null && html`<button type="button" class="button-quiet activity-older"
      onClick=${() => ledger.more()}>${t("activity.older")}</button>`}
  </section>`;
}

/** The chosen request where it is not on the pages that we have: an address may name any. */
function useOne(chosen, rows, state) {
  const [found, setFound] = useState(null);
  const isThere = rows.some((row) => row.request_id === chosen);
  useEffect(() => {
    setFound(null);
    if (!chosen || isThere || state !== "ready") return undefined;
    const stop = new AbortController();
    const path = `/api/requests/${encodeURIComponent(chosen)}`;
    request("GET", path, { signal: stop.signal }).then(setFound, () => {});
    return () => stop.abort();
  }, [chosen, isThere, state]);
  return isThere ? null : found;
}

const topOf = (element) => element.getBoundingClientRect().top;

function isReading(head) {
  if (!head) return false;
  const isBelow = topOf(head) < topOf(document.getElementById("main"));
  return isBelow || head.parentElement.querySelector("table")?.contains(document.activeElement);
}

function Line({ line }) {
  const tone = { live: "ok", down: "err" }[line] ?? "dim";
  const glyph = { live: "●", down: "✕" }[line] ?? "○";
  return html`<span class=${`activity-line tone-${tone}`} role="status">
    <span aria-hidden="true">${glyph}</span> ${t(`activity.line.${line}`)}</span>`;
}

function Problem({ error, onAgain }) {
  if (!error) return null;
  const isRight = error.status === 401 || error.status === 403;
  return html`<div class="notice notice-err" role="alert">
    <p>${t(isRight ? "activity.may_not" : "activity.away")}</p><p class="dim">${error.message}</p>
    ${isRight ? html`<a class="button" href="#/settings">${t("activity.to_settings")}</a>`
      : html`<button type="button" class="button" onClick=${onAgain}>${t("activity.again")}</button>`}
  </div>`;
}

const Nothing = ({ filters, onClear }) => (Object.keys(queryOf(filters)).length
  ? html`<div class="empty"><p>${t("activity.none_so")}</p>
      <button type="button" class="button" onClick=${onClear}>${t("activity.clear")}</button></div>`
  : html`<div class="empty"><p>${t("activity.none")}</p><p class="dim">${t("activity.none_hint")}</p></div>`);

const rowButtons = () => [...document.querySelectorAll(".activity-open")];

function step(by) {
  const all = rowButtons();
  const at = all.indexOf(document.activeElement);
  (all[at + by] ?? (at < 0 ? all[0] : null))?.focus();
}

/** Keys of this view. They act on what has the focus, as the mouse acts on what it points to. */
export const keys = [
  { keys: "j", title: "activity.key.next", run: () => step(1) },
  { keys: "k", title: "activity.key.previous", run: () => step(-1) },
  { keys: "c", title: "activity.key.curl", run: () => document.querySelector("[data-deed=curl]")?.click() },
  { keys: "/", title: "activity.key.filter", run: () => document.getElementById("activity-q")?.focus() },
];
