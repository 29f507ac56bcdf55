// What is going on, in one line above every view: the link, the models that are up or on their way, the GPUs.

import { html, useEffect, useReducer } from "../html.js";
import { ago, bytes, percent, t } from "../i18n/index.js";
import { format } from "../routes.js";
import { facts, link, machines, models, sites } from "../store/live.js";
import { keyOf } from "../store/news.js";
import { askForKey, needsKey } from "./access.js";
import { Meter } from "./meter.js";
import { Phase } from "./phase.js";
import { whereabouts } from "./whereabouts.js";

const QUIET = ["stopped", "asleep"];
const MIB = 1024 ** 2;
const SHOWN = 3;
const BEAT_MS = 10_000;
const LINK = { connecting: ["◔", "info"], live: ["●", "ok"], down: ["✕", "err"] };

export const LiveLine = () => html`<${Models} /><${Gpus} /><${Link} />`;

/** Up or on its way, what moves first: that is what one looks up for. */
export function worthShowing(all) {
  const rank = ({ phase }) => (phase === "ready" ? 1 : phase.includes("failed") ? 2 : 0);
  return all.filter((model) => !QUIET.includes(model.phase)).sort((left, right) => rank(left) - rank(right));
}

function Models() {
  const shown = worthShowing(models.value);
  const more = shown.length - SHOWN;
  return html`<div class=${link.value.state === "live" ? "live-models" : "live-models live-stale"}>
    ${shown.slice(0, SHOWN).map((model) => html`
      <${Model} key=${keyOf(model)} model=${model}
        machine=${whereabouts(model, models.value, sites.value)} />`)}
    ${more > 0 && html`<a class="live-more" href="#/models"><span aria-hidden="true">+${more}</span>
      <span class="aside-screen">${t("shell.live.more", { n: more })}</span></a>`}
  </div>`;
}

function Model({ model: { name, site, phase, progress, blocked }, machine }) {
  const word = t(`shell.phase.${phase}`);
  const address = format({ view: "models", path: [name], query: { site: site || "" } });
  return html`<a class="live-model" href=${address}
      title=${[name, machine, progress ?? blocked ?? word].filter(Boolean).join(" · ")}>
    <${Phase} phase=${phase} text=${name} /><span class="aside-screen">${word}</span>
    ${machine && html`<span class="live-machine">${machine}</span>`}
    ${shareIn(progress) && html`<span class="live-share">${shareIn(progress)}</span>`}</a>`;
}

/** The per cent that a manager's words on progress hold, if they do. */
export const shareIn = (progress) => /\d{1,3} ?%/.exec(progress ?? "")?.[0] ?? "";

function Gpus() {
  const gpus = machines.value.filter((machine) => machine.connected).flatMap((machine) => machine.gpus ?? []);
  if (!gpus.length || link.value.state !== "live") return null;
  const total = gpus.reduce((sum, gpu) => sum + gpu.total_mib, 0);
  const used = gpus.reduce((sum, gpu) => sum + (gpu.used_mib ?? gpu.claimed_mib), 0);
  const text = t("shell.gpu.memory", { used: bytes(used * MIB), total: bytes(total * MIB) });
  return html`<span class="live-gpu" title=${text}><span aria-hidden="true">GPU</span>
    <${Meter} share=${used / total} label=${t("shell.gpu.label")} text=${text} />
    <span aria-hidden="true">${percent(used / total)}</span></span>`;
}

function Link() {
  const { state, heard } = link.value;
  if (needsKey(facts.value)) {
    return html`<button class="live-key tone-warn" onClick=${askForKey}>${t("shell.link.key")}</button>`;
  }
  const [glyph, tone] = LINK[state];
  return html`${state === "down" && heard && html`<${Age} heard=${heard} />`}
    <span class=${`phase live-link tone-${tone}`} role="status">
      <span class="phase-glyph" aria-hidden="true">${glyph}</span>
      <span class="phase-word">${t(`shell.link.${state}`)}</span></span>`;
}

/** How old what is shown is, while nothing newer comes. */
function Age({ heard }) {
  const [, beat] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(beat, BEAT_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<span>${t("shell.link.heard", { ago: ago(heard) })}</span>`;
}
