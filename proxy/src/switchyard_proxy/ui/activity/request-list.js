// The table of requests, the newest first. On a phone each row becomes a card, by looks alone.

import { html } from "../html.js";
import { lang, t } from "../i18n/index.js";
import { clock, iso, whole } from "./clock.js";
import { Details } from "./details.js";
import { Outcome, span, tokensOf } from "./marks.js";

const SPANS = ["queue_s", "load_s", "first_s", "total_s"];
const COLUMNS = ["outcome", "at", "model", "key", "tokens", ...SPANS];
// On a card: what is not told by its looks.
const LABELLED = new Set(["key", "tokens", ...SPANS]);
const NUMBERS = new Set(["tokens", ...SPANS]);

/**
 * @param {{rows: object[], chosen: string, onChoose: (row: ?object) => void,
 *   onFilter: (partial: object) => void}} props
 */
export function RequestList({ rows, chosen, onChoose, onFilter }) {
  const now = Date.now() / 1000;
  // A client may use an id twice; only the newest of them opens.
  const open = rows.find((row) => row.request_id === chosen);
  return html`<table class="table activity-table" role="table" aria-label=${t("activity.requests")}>
    <thead role="rowgroup"><tr role="row">${COLUMNS.map((name) => html`
      <th role="columnheader" scope="col" class=${NUMBERS.has(name) ? "number" : ""}>
        ${t(`activity.field.${name}`)}</th>`)}
    </tr></thead>
    <tbody role="rowgroup">${rows.map((row) => html`
      <${Row} key=${row.id} row=${row} now=${now} isOpen=${row === open} onChoose=${onChoose}
        onFilter=${onFilter} />`)}
    </tbody></table>`;
}

const Cell = ({ name, children }) => html`<td role="cell" data-name=${name}
  data-label=${LABELLED.has(name) ? t(`activity.short.${name}`) : ""}
  class=${NUMBERS.has(name) ? "number" : ""}>${children}</td>`;

const Status = ({ row }) => (row.status >= 400 ? html` <span class="dim">${row.status}</span>` : null);

function Row({ row, now, isOpen, onChoose, onFilter }) {
  const id = `activity-${row.id}`;
  return html`<tr role="row" class=${isOpen ? "activity-row is-open" : "activity-row"}>
      <${Cell} name="outcome"><${Outcome} row=${row} /><${Status} row=${row} /><//>
      <${Cell} name="at"><time datetime=${iso(row.at)} title=${whole(row.at, lang.value)}>
        ${clock(row.at, now, lang.value)}</time><//>
      <${Cell} name="model">
        <button type="button" class="activity-open" aria-expanded=${isOpen}
          aria-controls=${isOpen ? id : undefined} onClick=${() => onChoose(isOpen ? null : row)}>
          <span class="activity-model">${row.model || row.asked || row.route}</span></button><//>
      <${Cell} name="key">${row.key}<//>
      <${Cell} name="tokens">${tokensOf(row)}<//>
      ${SPANS.map((name) => html`<${Cell} key=${name} name=${name}>${span(row[name])}<//>`)}
    </tr>
    ${isOpen && html`<tr role="row" class="activity-more"><td role="cell" colspan=${COLUMNS.length} id=${id}>
      <${Details} row=${row} onFilter=${onFilter} /></td></tr>`}`;
}
