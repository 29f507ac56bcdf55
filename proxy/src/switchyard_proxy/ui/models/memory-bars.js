// A machine's memory: a bar for each GPU with what holds it, what one more model would change, and how it
// went; and its RAM. What is drawn is also said in words.

import { html } from "../html.js";
import { bytes, number, t } from "../i18n/index.js";
import { usage } from "../store/live.js";
import { usageKey } from "../store/usage.js";
import { ghostOf, lineThrough, partsOf, sharesOf } from "./memory.js";
import { prospect } from "./prospects.js";

const MIB = 2 ** 20;
const LINE = { width: 96, height: 20 };
const [SHORTEST_S, LONGEST_S] = [60, 600];
const COLOURS = 4;
const UNHELD = ["free", "reserve"];
const MAKER = /^NVIDIA (?:GeForce )?/;

const mib = (n) => bytes(n * MIB);

export function MemoryBars({ machine }) {
  const gpus = machine.gpus ?? [];
  return html`<div class="models-memory">
    ${gpus.map((gpu, index) => html`<${Gpu} key=${gpu.uuid} gpu=${gpu} index=${index} machine=${machine} />`)}
    ${gpus.length === 0 && html`<p class="dim small">${t("models.gpu.none")}</p>`}
    ${machine.ram && html`<${Ram} ram=${machine.ram} />`}
  </div>`;
}

function Gpu({ gpu, index, machine }) {
  const parts = partsOf(gpu);
  const shares = sharesOf(parts, gpu.total_mib);
  const pointed = prospect.value?.site === machine.site ? prospect.value : null;
  const ghost = ghostOf(pointed?.explanation ?? null, gpu);
  const leaving = ghost ? pointed.explanation.victims : [];
  return html`<section class="models-gpu" aria-label=${t("models.gpu.title", { n: index, name: gpu.name })}>
    <header class="models-gpu-head">
      <h3 class="clip" title=${`${gpu.name} · ${gpu.uuid}`}>${gpu.name.replace(MAKER, "")}</h3>
      <${Vitals} gpu=${gpu} />
      <${Sparkline} samples=${usage.value[usageKey(machine, gpu)] ?? []} most=${gpu.total_mib} />
    </header>
    <div class="bar models-bar" role="meter" aria-label=${t("models.gpu.memory", { name: gpu.name })}
        aria-valuemin="0" aria-valuemax=${gpu.total_mib} aria-valuenow=${Math.min(taken(gpu), gpu.total_mib)}
        aria-valuetext=${sentence(gpu, parts)}>
      ${parts.map((part, at) => html`<${Part} key=${`${part.kind} ${part.name} ${at}`} part=${part}
          share=${shares[at]}
        colour=${at % COLOURS} leaves=${leaving.includes(part.name)} />`)}
    </div>
    <div class="models-ghost-place">${ghost && html`<span class="models-ghost"
      style=${{ "--start": ghost.start / 100, "--share": ghost.share / 100 }}></span>`}</div>
    <${Legend} gpu=${gpu} parts=${parts} ghost=${ghost} pointed=${pointed} />
  </section>`;
}

const taken = (gpu) => gpu.used_mib ?? gpu.claimed_mib ?? 0;

/** The bar, for those who do not see it. */
function sentence(gpu, parts) {
  const said = parts.map(({ kind, name, mib: size }) => t(`models.part.${kind}`, { name, size: mib(size) }));
  const key = gpu.used_mib === null ? "models.gpu.claimed" : "models.gpu.used";
  return [t(key, { used: mib(taken(gpu)), total: mib(gpu.total_mib) }), ...said].join("; ");
}

/** `--share` is the part's width, `--held` how much of that is measured. */
function Part({ part: { kind, mib: size, measured }, share, colour, leaves }) {
  const look = ["bar-part", `models-part-${kind}`, kind === "model" ? `models-colour-${colour}` : "",
    leaves ? "models-part-leaves" : ""].filter(Boolean).join(" ");
  const held = measured === null ? 1 : Math.min(1, measured / size);
  return html`<span class=${look} style=${{ "--share": share / 100, "--held": held }}></span>`;
}

function Vitals({ gpu }) {
  const said = [
    gpu.utilisation_pct === null ? null : `${number(gpu.utilisation_pct)} %`,
    gpu.temperature_c === null ? null : `${number(gpu.temperature_c)} °C`,
    gpu.power_w === null ? null : `${number(Math.round(gpu.power_w))} ${t("models.unit.W")}`,
  ].filter(Boolean);
  return html`<span class="models-vitals dim small number">${said.join(" · ")}</span>`;
}

/** The last minutes of its memory, ten at most. The figures beside it say what it is now. */
function Sparkline({ samples, most }) {
  const heard = samples.length ? samples.at(-1)[0] - samples[0][0] : 0;
  const span = Math.min(LONGEST_S, Math.max(SHORTEST_S, heard));
  const points = lineThrough(samples, { ...LINE, most, span });
  if (!points) return null; // what cannot be measured has no history
  return html`<svg class="models-sparkline" viewBox=${`0 0 ${LINE.width} ${LINE.height}`} width=${LINE.width}
      height=${LINE.height} aria-hidden="true">
    <title>${t("models.gpu.history")}</title>
    <polyline points=${points} />
  </svg>`;
}

/** What would be taken, in place of what is free: so that pointing at a model moves nothing. */
function Ghost({ ghost, pointed }) {
  const { victims } = pointed.explanation;
  const values = { name: pointed.name, size: mib(ghost.mib), others: victims.join(", ") };
  return html`<li class="models-ghost-text"><span class="wrap">
    ${victims.length ? t("models.ghost.instead", values) : t("models.ghost.beside", values)}</span></li>`;
}

function Legend({ gpu, parts, ghost, pointed }) {
  const named = parts.map((part, at) => ({ ...part, at })).filter(({ kind }) => !UNHELD.includes(kind));
  return html`<ul class="models-legend small">
    ${named.map(({ kind, name, mib: size, measured, at }) => html`<li key=${at}>
      <span class=${`models-swatch models-part-${kind} models-colour-${at % COLOURS}`}
          aria-hidden="true"></span>
      <span class="clip">${name || t("models.part.unknown")}</span>
      <span class="dim number">${mib(size)}${measured !== null && measured < size * 0.98
        ? ` (${t("models.part.measured", { size: mib(measured) })})` : ""}</span>
    </li>`)}
    ${ghost ? html`<${Ghost} ghost=${ghost} pointed=${pointed} />` : html`<li class="dim"><span>
      ${t("models.gpu.free", { free: mib(gpu.free_mib), total: mib(gpu.total_mib) })}${gpu.reserve_mib > 0
        ? ` · ${t("models.gpu.reserve", { size: mib(gpu.reserve_mib) })}` : ""}</span></li>`}
  </ul>`;
}

function Ram({ ram }) {
  const used = ram.total_mib - ram.available_mib;
  const others = Math.max(0, used - ram.sleepers_mib);
  const share = (size) => ({ "--share": size / ram.total_mib, "--held": 1 });
  const said = t("models.ram.used", { used: mib(used), total: mib(ram.total_mib) });
  return html`<section class="models-gpu models-ram" aria-label=${t("models.ram.title")}>
    <header class="models-gpu-head"><h3>${t("models.ram.title")}</h3>
      <span class="models-vitals dim small number">${said}</span></header>
    <div class="bar models-bar" role="meter" aria-label=${t("models.ram.title")} aria-valuemin="0"
        aria-valuemax=${ram.total_mib} aria-valuenow=${used} aria-valuetext=${said}>
      ${ram.sleepers_mib > 0 && html`<span class="bar-part models-part-model models-colour-2"
        style=${share(ram.sleepers_mib)}></span>`}
      <span class="bar-part models-part-stranger" style=${share(others)}></span>
    </div>
    <ul class="models-legend small">
      ${ram.sleepers_mib > 0 && html`<li><span class="models-swatch models-part-model models-colour-2"
        aria-hidden="true"></span>${t("models.ram.sleepers", { size: mib(ram.sleepers_mib) })}</li>`}
      <li class="dim">${t("models.ram.free", { size: mib(ram.available_mib) })}</li>
    </ul>
  </section>`;
}
