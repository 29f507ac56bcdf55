// The line below an answer: how many tokens, how fast, and how long until the first; and how it ended.

import { html } from "../html.js";
import { number, seconds, t } from "../i18n/index.js";
import { speed } from "./speed.js";

/**
 * @param {{record: object, reply?: object, beat?: number}} props `reply` while it grows; `beat` draws it anew
 */
export function Figures({ record, reply }) {
  const one = reply ? { ...record, usage: reply.usage, pieces: reply.pieces, before: reply.before } : record;
  const { tokens, isExact, read, first, rate } = speed(one, reply ? Date.now() : null);
  const facts = [
    ...ends(record, reply),
    tokens && t(isExact ? "chat.tokens" : "chat.tokens_about", { n: tokens }),
    rate && t("chat.rate", { rate: number(rate, { maximumFractionDigits: rate < 20 ? 1 : 0 }) }),
    first !== null && t("chat.first_token", { span: seconds(first) }),
    read && !reply && t("chat.read", { n: read }),
  ].filter(Boolean);
  return html`<span class="figures">${facts.map((fact, at) => html`<span key=${at}>${fact}</span>`)}</span>`;
}

function ends(record, reply) {
  if (reply) return [];
  return [
    record.state === "stopped" && html`<strong class="tone-warn">${t("chat.stopped")}</strong>`,
    record.finish === "length" && html`<strong class="tone-warn">${t("chat.cut_short")}</strong>`,
    record.mended && html`<em>${t(`chat.mended.${record.mended}`)}</em>`,
  ];
}
