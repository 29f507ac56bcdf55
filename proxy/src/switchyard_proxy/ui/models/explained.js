// What would happen if this model were loaded now: who would be moved out, or who is in the way. In the
// manager's own words, too, for those who want all the numbers.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { useExplanation } from "./prospects.js";

const TONES = { evict: "warn", blocked: "warn", short: "err", no_gpu: "err" };

export function Explained({ model }) {
  const { explanation } = useExplanation(model);
  if (!explanation) return null;
  const { outcome, victims, in_the_way: inTheWay, sentences } = explanation;
  const others = inTheWay.join(", ") || t("models.outcome.freed_memory");
  const isAsked = outcome === "loaded" || model.waiting > 0; // then it says itself how it stands
  return html`<section class="models-explained">
    ${!isAsked && html`<p><span class=${`tone-${TONES[outcome] ?? "ok"}`}
        aria-hidden="true">${TONES[outcome] ? "▲" : "●"}</span>
      ${" "}${t(`models.outcome.${outcome}`, {
        name: model.name, victims: victims.join(", "), others,
      })}</p>`}
    <details><summary class="dim small">${t("models.explain")}</summary>
      <ul class="models-sentences small" lang="en">${sentences.map((line) => html`<li key=${line}
          class="wrap">${line}</li>`)}</ul>
    </details>
  </section>`;
}
