// Who waits for what, in the order in which turns come, and why not yet.

import { html } from "../html.js";
import { seconds, t } from "../i18n/index.js";
import { now } from "./now.js";
import { addressOf } from "./place.js";
import { Said } from "./said.js";

export function Queue({ machine }) {
  const queue = machine.queue ?? [];
  if (!queue.length) return null;
  return html`<section class="models-queue" aria-label=${t("models.queue.title")}>
    <h3>${t("models.queue.title")}</h3>
    <ol class="models-queue-list">
      ${queue.map((turn, at) => html`<li key=${turn.model} class="models-turn">
        <span class="models-turn-place number" aria-hidden="true">${at + 1}.</span>
        <span class="models-turn-main">
          <a class="clip" href=${addressOf({ name: turn.model, site: machine.site, page: null })}>
            ${turn.model}</a>
          <span class="small"><${Said} text=${turn.blocked ?? ""}
              otherwise=${t("models.queue.next")} /></span>
        </span>
        <span class="dim small number">${t("models.queue.waiting", { n: turn.waiting })}
          ${" · "}${seconds(turn.waited_s + Math.max(0, now.value - machine.at))}</span>
      </li>`)}
    </ol>
  </section>`;
}
