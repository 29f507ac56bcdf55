// Why a model failed: the reason, what to do, the end of its log, and the way to try again, all in one place.

import { html } from "../html.js";
import { lang, seconds, t } from "../i18n/index.js";
import { now } from "./now.js";
import { order } from "./orders.js";
import { show } from "./place.js";
import { mayOperate } from "./rights.js";
import { adviceOf, reasonOf } from "./words.js";

export function FailureBox({ model }) {
  const { failure } = model;
  if (!failure) return null;
  const again = model.retry_in_s ? Math.max(0, model.retry_in_s - (now.value - model.at)) : 0;
  return html`<section class="notice notice-err models-failure" aria-label=${t("models.failure.title")}>
    <h3 class="tone-err">✕ ${reasonOf(failure.reason) ?? failure.reason}</h3>
    <p class="wrap" lang="en">${failure.message}</p>
    <p class="wrap"><strong>${t("models.failure.advice")}</strong> ${advised(failure)}</p>
    <p class="dim small">${[
      typeof failure.exit_code === "number" && t("models.failure.exit", { code: failure.exit_code }),
      again >= 1 && t("models.retry_in", { time: seconds(again) }),
    ].filter(Boolean).join(" · ")}</p>
    ${failure.log_tail?.length > 0 && html`<pre class="models-log-tail small" tabindex="0"
      aria-label=${t("models.failure.log")}>${failure.log_tail.join("\n")}</pre>`}
    ${mayOperate.value && html`<div class="toolbar">
      <button class="button" onClick=${() => order("load", model)}>${t("models.failure.again")}</button>
      <button class="button-quiet" onClick=${() => show({ tab: "log" })}>${t("models.log.open")}</button>
    </div>`}
  </section>`;
}

/** The manager's advice is the more exact one; readers of another language get the page's. */
function advised({ reason, advice }) {
  if (lang.value === "en") return advice;
  return adviceOf(reason) ?? html`<span lang="en">${advice}</span>`;
}
