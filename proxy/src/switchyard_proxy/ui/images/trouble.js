// Why an order failed: the reason as the server gave it, what can be done, and the engine's last words if
// there are any.

import { explain } from "../api.js";
import { html } from "../html.js";
import { has, t } from "../i18n/index.js";
import { painter } from "./offers.js";

/** @param {{order: import("./order.js").Order}} props */
export function Trouble({ order }) {
  const { code, message, status, retryAfter } = order.trouble;
  const failure = painter(order.wish.model)?.failure;
  const own = `images.advice.${code}`;
  const advice = has(own) ? t(own) : failure?.advice;
  const reason = explain({ code, status, message }) || t("images.trouble.nothing");
  return html`<div class="notice notice-err" role="alert">
    <p>✕ ${reason}</p>
    ${advice && !reason.includes(advice) && html`<p class="dim">${advice}</p>`}
    ${retryAfter && html`<p class="dim">${t("images.trouble.later", { n: retryAfter })}</p>`}
    ${failure?.log_tail?.length > 0 && html`<details><summary>${t("images.trouble.log")}</summary>
      <pre class="images-log" tabindex="0">${failure.log_tail.join("\n")}</pre></details>`}
    <p class="small dim">${code}</p>
  </div>`;
}
