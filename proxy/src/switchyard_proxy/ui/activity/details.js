// Everything that is known of one request, and what can be done with it.

import { request } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { bytes, lang, number, t } from "../i18n/index.js";
import { copyText } from "../shell/copy.js";
import { toast } from "../shell/toast.js";
import { whole } from "./clock.js";
import { curlOf } from "./curl.js";
import { counted, Outcome, span } from "./marks.js";
import { spansOf, speedOf } from "./spans.js";

const yes = (value) => t(value ? "activity.yes" : "activity.no");
const speed = (row) => (speedOf(row) === null ? "–" : t("activity.per_second", {
  n: number(speedOf(row), { maximumFractionDigits: 1 }),
}));

// Each field of an account once, in the order in which one asks for them.
const FIELDS = [
  ["outcome", (row) => html`<${Outcome} row=${row} />`],
  ["status", (row) => row.status],
  ["code", (row) => row.code ?? "–"],
  ["at", (row) => whole(row.at, lang.value)],
  ["request_id", (row) => html`<span class="activity-id">${row.request_id}</span>`],
  ["route", (row) => row.route],
  ["asked", (row) => row.asked || "–"],
  ["model", (row) => row.model || "–"],
  ["key", (row) => row.key],
  ["address", (row) => row.address],
  ["streams", (row) => yes(row.streams)],
  ["queue_s", (row) => span(row.queue_s)],
  ["load_s", (row) => span(row.load_s)],
  ["first_s", (row) => span(row.first_s)],
  ["total_s", (row) => span(row.total_s)],
  ["tokens_in", (row) => counted(row.tokens_in)],
  ["cached", (row) => counted(row.cached)],
  ["tokens_out", (row) => counted(row.tokens_out)],
  ["speed", speed],
  ["bytes_in", (row) => bytes(row.bytes_in)],
  ["bytes_out", (row) => bytes(row.bytes_out)],
  ["beats", (row) => number(row.beats)],
  ["retries", (row) => number(row.retries)],
  ["retried", (row) => yes(row.retried)],
  ["fell_back", (row) => yes(row.fell_back)],
];

/** @param {{row: object, onFilter: (partial: object) => void}} props */
export function Details({ row, onFilter }) {
  const [bodies, setBodies] = useState(null);
  useEffect(() => setBodies(null), [row.id]);
  const showBodies = async () => setBodies(await capturedOf(row).catch((error) => ({ error })));
  return html`<div class="activity-details">
    <${Timeline} row=${row} />
    <dl class="activity-fields">${FIELDS.map(([name, shown]) => html`
      <div key=${name}><dt title=${t(`activity.about.${name}`)}>${t(`activity.field.${name}`)}</dt>
        <dd>${shown(row)}</dd></div>`)}
    </dl>
    <div class="toolbar">
      <button type="button" class="button" data-deed="curl" onClick=${() => copyCurl(row, bodies)}>
        ${t("activity.copy_curl")}</button>
      <button type="button" class="button-quiet" onClick=${() => copy(row.request_id)}>
        ${t("activity.copy_id")}</button>
      <button type="button" class="button-quiet" onClick=${showBodies}>${t("activity.bodies")}</button>
      ${row.model && html`<button type="button" class="button-quiet"
        onClick=${() => onFilter({ model: row.model })}>${t("activity.only_model")}</button>`}
      <button type="button" class="button-quiet" onClick=${() => onFilter({ key: row.key })}>
        ${t("activity.only_key")}</button>
      ${row.code && html`<button type="button" class="button-quiet"
        onClick=${() => onFilter({ code: row.code })}>${t("activity.only_code")}</button>`}
    </div>
    ${bodies?.error && html`<p class="notice" role="status">${t("activity.no_bodies")}
      <span class="dim">${bodies.error.message}</span></p>`}
    ${bodies?.request && html`<${Body} title=${t("activity.request_body")} body=${bodies.request} />
      <${Body} title=${t("activity.reply_body")} body=${bodies.reply} />`}
  </div>`;
}

/** Where the time went: a bar for the eye, and the same in words. */
function Timeline({ row }) {
  const spans = spansOf(row);
  if (!spans.length) return null;
  return html`<div class="activity-timeline">
    <div class="activity-bar" aria-hidden="true">${spans.map(({ name, share }) => html`
      <span key=${name} class=${`activity-part part-${name}`}
        style=${{ flexGrow: Math.max(share, 0.004) }}></span>`)}
    </div>
    <ul class="activity-legend">${spans.map(({ name, s }) => html`<li key=${name} class=${`part-${name}`}>
      <span class="activity-swatch" aria-hidden="true"></span>
      ${t(`activity.part.${name}`)} ${span(s)}</li>`)}</ul>
  </div>`;
}

const Body = ({ title, body }) => html`<section class="activity-body">
  <h3>${title} <span class="dim">${bytes(body.size)}${body.cut ? `, ${t("activity.cut")}` : ""}</span></h3>
  <pre tabindex="0" aria-label=${title}>${body.text || "–"}</pre>
</section>`;

const capturedOf = (row) => request("GET", `/api/requests/${encodeURIComponent(row.request_id)}/capture`);

async function copyCurl(row, bodies) {
  const captured = bodies?.request ? bodies : await capturedOf(row).catch(() => null);
  await copy(curlOf(row, { origin: location.origin, captured }));
}

async function copy(text) {
  const isCopied = await copyText(text);
  if (isCopied) toast({ kind: "ok", text: t("activity.copied") });
  else toast({ kind: "err", text: t("activity.not_copied") });
}
