// A share of a whole as a row of cells, which is read out as a number.

import { html } from "../html.js";
import { percent } from "../i18n/index.js";

/**
 * @param {{share: number, label: string, text?: string, tone?: "warn" | "err", wide?: boolean}} props `share`
 *   from 0 to 1; `text` is what is read out, if that is not the per cent
 */
export function Meter({ share, label, text, tone, wide }) {
  const inside = Math.min(1, Math.max(0, share || 0));
  const look = ["meter", tone && `meter-${tone}`, wide && "meter-wide"].filter(Boolean).join(" ");
  return html`<span class=${look} role="meter" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${Math.round(inside * 100)} aria-valuetext=${text ?? percent(inside)}
    style=${{ "--share": inside }}></span>`;
}
