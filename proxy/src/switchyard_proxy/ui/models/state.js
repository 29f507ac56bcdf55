// How a model stands, in a few words under its phase: how far it is, what it waits for, why it failed, when
// it will be there. Nothing is promised that the manager did not say.

import { html } from "../html.js";
import { bytes, seconds, t } from "../i18n/index.js";
import { Meter } from "../shell/meter.js";
import { isComingUp } from "../store/phases.js";
import { now } from "./now.js";
import { secondsLeft, shareIn, shareOfFiles } from "./progress.js";
import { Said } from "./said.js";
import { reasonOf } from "./words.js";

export function Standing({ model }) {
  if (model.files?.at === "fetching") return html`<${Fetching} model=${model} />`;
  if (isComingUp(model.phase)) return html`<${ComingUp} model=${model} />`;
  if (model.phase === "failed" || model.phase === "stop_failed") return html`<${Failed} model=${model} />`;
  if (model.waiting > 0 && model.blocked) {
    return html`<span class="models-standing small"><span><${Said} text=${model.blocked} /></span></span>`;
  }
  return null;
}

function ComingUp({ model }) {
  const share = shareIn(model.progress);
  const left = secondsLeft(model, now.value);
  return html`<span class="models-standing small">
    ${share !== null && html`<${Meter} share=${share / 100}
        label=${t("models.progress", { name: model.name })} />`}
    <span><${Said} text=${model.progress ?? ""} />${left !== null
      && html`${model.progress ? " · " : ""}${t("models.about", { time: seconds(left) })}`}</span>
  </span>`;
}

function Fetching({ model }) {
  const { done_bytes: done, total_bytes: total } = model.files;
  const share = shareOfFiles(model.files) ?? shareIn(model.progress);
  const said = total ? t("models.files.of", { done: bytes(done ?? 0), total: bytes(total) }) : null;
  return html`<span class="models-standing small">
    ${share !== null && html`<${Meter} share=${share / 100}
        label=${t("models.files.progress", { name: model.name })} />`}
    <span>${said ? html`${t("models.files.fetching")} · ${said}`
      : html`<${Said} text=${model.progress ?? ""} otherwise=${t("models.files.fetching")} />`}</span>
  </span>`;
}

function Failed({ model }) {
  const { reason } = model.failure ?? {};
  const again = model.retry_in_s ? Math.max(0, model.retry_in_s - (now.value - model.at)) : 0;
  return html`<span class="models-standing small">
    ${reason && html`<span>${reasonOf(reason) ?? reason}</span>`}
    ${again >= 1 && html`<span class="dim">${t("models.retry_in", { time: seconds(again) })}</span>`}
  </span>`;
}

/** What it holds of a GPU, and what of that is claimed. */
export function Memory({ model }) {
  const { claim_mib: claim } = model;
  // The most that was measured since it was loaded: of one that sleeps that says nothing.
  const measured = model.phase === "asleep" ? null : model.measured_mib;
  const size = (mib) => bytes(mib * 2 ** 20);
  if (!measured && !claim) return html`<span class="dim" aria-hidden="true">–</span>`;
  const how = measured && claim ? t("models.claimed", { size: size(claim) })
    : measured ? t("models.measured") : t("models.claim_only");
  return html`<span>${size(measured ?? claim)}</span><span class="dim small models-under">${how}</span>`;
}

export function Requests({ model }) {
  const { in_flight: running, waiting } = model;
  if (!running && !waiting) return html`<span class="dim" aria-hidden="true">–</span>`;
  return html`${running > 0 && html`<span>${t("models.running", { n: running })}</span>`}
    ${waiting > 0 && html`<span
        class=${running ? "small models-under" : ""}>${t("models.waiting", { n: waiting })}</span>`}`;
}
