// One model: what it is and how it stands, its log, its past runs. In parts, of which the address names the
// one shown.

import { html, useEffect, useRef } from "../html.js";
import { ago, bytes, seconds, t } from "../i18n/index.js";
import { isText } from "../shell/keys.js";
import { Phase } from "../shell/phase.js";
import { keyOf } from "../store/news.js";
import { Actions } from "./actions.js";
import { Explained } from "./explained.js";
import { FailureBox } from "./failure.js";
import { usedAt } from "./listing.js";
import { Log } from "./logs.js";
import { now } from "./now.js";
import { Past } from "./past.js";
import { place, show, TABS } from "./place.js";
import { remove } from "./removal.js";
import { mayEdit, mayOperate } from "./rights.js";
import { Memory, Standing } from "./state.js";

export function Details({ model }) {
  const top = useRef(null);
  const { tab } = place.value;
  useEffect(() => {
    if (matchMedia("(width < 60rem)").matches) top.current?.focus({ preventScroll: true });
  }, [keyOf(model)]);
  return html`<div class="models-details">
    <header class="models-details-head">
      <button class="button-icon models-back" aria-label=${t("models.back")} onClick=${leave}>←</button>
      <h2 class="wrap" tabindex="-1" ref=${top}>${model.name}</h2>
      <button class="button-icon models-close" aria-label=${t("models.close")} title=${t("models.close")}
        onClick=${leave}>✕</button>
    </header>
    ${mayOperate.value && html`<${Tabs} tab=${tab} />`}
    <div class="models-tab" role=${mayOperate.value ? "tabpanel" : undefined} id="models-tab"
        aria-labelledby=${mayOperate.value ? `models-tab-${tab}` : undefined}>
      ${tab === "now" || !mayOperate.value ? html`<${Now} model=${model} />` : null}
      ${tab === "log" && mayOperate.value ? html`<${Log} key=${keyOf(model)} model=${model} />` : null}
      ${tab === "past" && mayOperate.value ? html`<${Past} key=${keyOf(model)} model=${model} />` : null}
    </div>
  </div>`;
}

/** Back to the list, and to the model's place in it. */
export function leave() {
  const { name } = place.peek();
  show({ name: null, site: null, tab: "now" });
  requestAnimationFrame(() => {
    if (isText(document.activeElement)) return; // who types already goes on
    const links = [...document.querySelectorAll(".models-name")];
    links.find((one) => one.textContent === name)?.focus();
  });
}

function Tabs({ tab }) {
  const step = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    show({ tab: TABS[(TABS.indexOf(tab) + by + TABS.length) % TABS.length] }, { replace: true });
    requestAnimationFrame(() => document.querySelector("#models-tabs [aria-selected=true]")?.focus());
  };
  return html`<div class="tabs" role="tablist" id="models-tabs" aria-label=${t("models.parts")}
      onKeyDown=${step}>
    ${TABS.map((name) => html`<button key=${name} class="tab-button" role="tab" id=${`models-tab-${name}`}
      aria-selected=${name === tab ? "true" : "false"} aria-controls="models-tab"
      tabindex=${name === tab ? 0 : -1}
      onClick=${() => show({ tab: name }, { replace: true })}>${t(`models.tab.${name}`)}</button>`)}
  </div>`;
}

function Now({ model }) {
  return html`<div class="stack">
    <p class="models-now"><${Phase} phase=${model.phase} />
      ${!model.failure && html`<${Standing} model=${model} />`}</p>
    ${model.description && html`<p class="wrap">${model.description}</p>`}
    <${Actions} model=${model} />
    <${FailureBox} model=${model} />
    ${mayOperate.value && html`<${Explained} model=${model} />`}
    <${Facts} model=${model} />
    <${Variants} model=${model} />
    ${mayEdit.value && html`<div class="toolbar models-edit">
      <button class="button-quiet" onClick=${() => show({ page: "edit" })}>${t("models.edit")}</button>
      <button class="button-quiet"
          onClick=${async () => (await remove(model)) && leave()}>${t("models.remove")}</button>
    </div>`}
  </div>`;
}

function Facts({ model }) {
  const used = usedAt(model);
  const { serving = {} } = model;
  const facts = [
    ["kind", `${t(`models.type.${model.type}`)} · ${model.engine}`],
    ["can", (model.capabilities ?? []).map((one) => t(`models.can.${one}`)).join(", ")],
    ["context", model.context_length ? t("models.tokens", { n: model.context_length }) : ""],
    ["aliases", (model.aliases ?? []).join(", ")],
    ["memory", model.claim_mib || model.measured_mib ? html`<${Memory} model=${model} />` : ""],
    ["gpus", (model.gpus ?? []).join(", ")],
    ["used", used === null ? "" : model.in_flight ? t("models.used_now") : ago(used, now.value)],
    ["requests", requestsOf(model)],
    ["limit", serving.max_concurrency ? t("models.at_once", { n: serving.max_concurrency }) : ""],
    ["pinned", model.pinned ? t("models.pinned_long") : ""],
    ["files", model.files ? filesOf(model.files) : ""],
    ["fallbacks", (serving.fallbacks ?? []).join(", ")],
  ].filter(([, value]) => value);
  return html`<dl class="models-facts">
    ${facts.map(([name, value]) => html`<div key=${name}><dt class="dim">${t(`models.fact.${name}`)}</dt>
      <dd class="wrap">${value}</dd></div>`)}
  </dl>`;
}

function requestsOf({ in_flight: running, waiting, waited_s: waited, at }) {
  const time = waited ? seconds(waited + Math.max(0, now.value - at)) : "";
  const longest = time ? ` (${t("models.longest", { time })})` : "";
  return [
    running ? t("models.running", { n: running }) : "",
    waiting ? `${t("models.waiting", { n: waiting })}${longest}` : "",
  ].filter(Boolean).join(" · ");
}

function filesOf({ at, done_bytes: done, total_bytes: total }) {
  const said = t(`models.files.${at}`);
  if (at !== "fetching" || !total) return said;
  return `${said} · ${t("models.files.of", { done: bytes(done ?? 0), total: bytes(total) })}`;
}

function Variants({ model }) {
  const variants = Object.entries(model.serving?.variants ?? {});
  if (!variants.length) return null;
  return html`<section><h3 class="dim small">${t("models.variants", { n: variants.length })}</h3>
    <ul class="list">${variants.map(([name, variant]) => html`
      <${Variant} key=${name} name=${`${model.name}:${name}`} variant=${variant} />`)}</ul></section>`;
}

function Variant({ name, variant: { aliases = [], description, served_as: adapter } }) {
  const also = [...aliases.map((one) => `= ${one}`), ...(adapter ? ["LoRA"] : [])].join(" ");
  return html`<li class="row"><span class="row-main">
    <span class="wrap">${name}</span>
    <span class="dim small models-under wrap">${also}</span>
    ${description && html`<span class="small models-under wrap">${description}</span>`}
  </span></li>`;
}
