// Small pieces that list, details and sums share: an outcome, a span of time, a count that may be unknown.

import { html } from "../html.js";
import { has, number, seconds, t } from "../i18n/index.js";
import { signOf } from "./spans.js";

/** How a request ended: a sign, a word, a colour, and the HTTP status where that says more. */
export function Outcome({ row }) {
  const { glyph, tone } = signOf(row.outcome);
  const key = `activity.outcome.${row.outcome}`;
  return html`<span class=${`activity-outcome tone-${tone}`}>
    <span aria-hidden="true">${glyph}</span> ${has(key) ? t(key) : row.outcome}
  </span>`;
}

/**
 * A choice of one among few that are all seen.
 * @param {{label: string, name: string, chosen: string, options: [string, string][],
 *   onChoose: (value: string) => void}} props
 */
export function Segmented({ label, name, chosen, options, onChoose }) {
  return html`<div class="segmented" role="radiogroup" aria-label=${label}>
    ${options.map(([value, text]) => html`<label key=${value}>
      <input type="radio" name=${name} value=${value} checked=${value === chosen}
      onChange=${() => onChoose(value)} />${text}</label>`)}</div>`;
}

/** Nothing where it never came to that: an absent span is no span of nought. */
export function span(s) {
  if (s === null || s === undefined) return "–";
  return s < 0.9995 ? t("activity.ms", { n: Math.round(s * 1000) }) : seconds(s);
}

export const counted = (n) => (n === null || n === undefined ? "–" : number(n));

/** What was read and what was made, as one. */
export const tokensOf = ({ tokens_in: read, tokens_out: made }) => (
  read === null && made === null ? "–" : `${counted(read)} → ${counted(made)}`
);
