// What went wrong with an answer, below whatever came of it: the reason, the advice, and a way to try again
// here.

import { explain } from "../api.js";
import { html } from "../html.js";
import { t } from "../i18n/index.js";
import * as actions from "./actions.js";
import { statusOf } from "./models.js";

/** Said above an answer that stands for one which broke off. */
export const Instead = () => html`<p class="notice small">${t("chat.begun_again_beside")}</p>`;

/** @param {{record: object, hasText: boolean}} props */
export function Trouble({ record, hasText }) {
  if (record.state !== "failed" || !record.error) return null;
  const failure = statusOf(record.model)?.failure ?? null;
  return html`<div class="notice notice-err trouble" role="alert">
    <p><strong>${hasText ? t("chat.broke_off") : t("chat.failed")}</strong> ${explain(record.error)}</p>
    ${failure && record.error.code === "model_load_failed" && html`<${Failure} failure=${failure} />`}
    <p class="toolbar">
      <button class="button" onClick=${() => actions.retryInPlace(record)}>${t("chat.try_again")}</button>
      ${hasText && html`<button class="button" onClick=${() => actions.goOn(record)}>
        ${t("chat.go_on")}</button>`}
      ${failure && html`<a class="button-quiet" href=${`#/models/${encodeURIComponent(record.model)}`}>
        ${t("chat.see_model")}</a>`}
    </p>
  </div>`;
}

/** The message has the advice already; the log is for those who may read it. */
const Failure = ({ failure }) =>
  failure.log_tail?.length > 0 &&
  html`<details class="trouble-log">
  <summary>${t("chat.log_tail")}</summary><pre>${failure.log_tail.join("\n")}</pre></details>`;
