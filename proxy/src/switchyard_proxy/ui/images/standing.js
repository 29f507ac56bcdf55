// What an order waits for, in words: the model's phase, how far it is, and the queue before it. It guesses
// nothing.

import { html } from "../html.js";
import { percent, seconds, t } from "../i18n/index.js";
import { Phase } from "../shell/phase.js";
import { machines } from "../store/live.js";
import { isComingUp } from "../store/phases.js";
import { painter } from "./offers.js";

/** @param {{order: import("./order.js").Order, now: number}} props */
export function Standing({ order, now }) {
  const model = painter(order.wish.model);
  const link = order.link === "reconnecting" ? t("images.link.lost") : order.waitsFor?.message;
  if (link) return html`<span class="tone-warn">↻ ${link}</span>`;
  if (!model) return html`<span>${t("images.waits.engine")}</span>`;
  if (model.phase === "ready") {
    return html`<span>${t(model.in_flight > 1 ? "images.waits.turn" : "images.waits.engine")}</span>`;
  }
  const facts = [share(model), left(model, now), queue(model), model.blocked].filter(Boolean);
  return html`<${Phase}
    phase=${model.phase} />${facts.map((fact) => html` <span class="dim">· ${fact}</span>`)}`;
}

function share(model) {
  const found = /(\d{1,3}(?:\.\d+)?) ?%/.exec(model.progress ?? "");
  return found ? percent(Math.min(1, found[1] / 100)) : null;
}

function left(model, now) {
  if (!isComingUp(model.phase) || typeof model.expected_s !== "number") return null;
  const rest = model.expected_s - Math.max(0, now - (model.at ?? now));
  return rest >= 1 ? t("images.about", { time: seconds(rest) }) : null;
}

function queue(model) {
  const line = machines.value.find((one) => one.site === model.site)?.queue ?? [];
  const at = line.findIndex((one) => one.model === model.name);
  return at > 0 ? t("images.waits.behind", { n: at, model: line[at - 1].model }) : null;
}
