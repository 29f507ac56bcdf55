// One machine: what it is, what is amiss there, its memory, its queue. Folded, it says the same in one line.

import { html, signal } from "../html.js";
import { ago, bytes, percent, t } from "../i18n/index.js";
import { Meter } from "../shell/meter.js";
import { MemoryBars } from "./memory-bars.js";
import { now } from "./now.js";
import { mayOperate } from "./rights.js";
import { Queue } from "./queue.js";

const OLD_S = 15;
const MIB = 2 ** 20;

/** On a phone the list comes first, and machines are told of in a line. */
const isFolded = signal(matchMedia("(width < 40rem)").matches);

export function Machine({ machine, group }) {
  const name = group.name ?? t("shell.machine_n", { n: group.site + 1 });
  const facts = machine ? [machine.version, machine.runtime].filter(Boolean).join(" · ") : "";
  const isOpen = !isFolded.value;
  const turn = () => {
    isFolded.value = isOpen;
  };
  return html`<section class="panel models-machine" aria-label=${name}>
    <h2 class="panel-title models-machine-title"><button aria-expanded=${isOpen ? "true" : "false"}
        onClick=${turn}>
      <span aria-hidden="true">${isOpen ? "▾" : "▸"}</span> <span
          class="models-machine-name">${name}</span> ${facts}
    </button></h2>
    <${Amiss} machine=${machine} group=${group} />
    ${!machine && mayOperate.value && html`<span class="skeleton models-machine-skeleton"
        aria-busy="true"></span>`}
    ${machine && isOpen && html`<${MemoryBars} machine=${machine} /><${Queue} machine=${machine} />`}
    ${machine && !isOpen && html`<${InALine} machine=${machine} />`}
  </section>`;
}

function Amiss({ machine, group }) {
  const isAway = !(machine?.connected ?? group.connected);
  const isOld = machine?.at && now.value - machine.at > OLD_S;
  const age = isOld || (isAway && machine?.at) ? t("models.as_of", { when: ago(machine.at, now.value) }) : "";
  return html`
    ${(isAway || isOld) && html`<p class="notice notice-warn small" role="status">
      ${isAway && t("models.machine_away")} ${age}</p>`}
    ${(machine?.trouble ?? []).map((text) => html`<p key=${text} class="notice notice-warn small"
        lang="en">${text}</p>`)}`;
}

function InALine({ machine: { gpus = [], ram, queue = [] } }) {
  const waiting = queue.reduce((sum, turn) => sum + turn.waiting, 0);
  return html`<p class="models-in-a-line small">
    ${gpus.map((gpu) => {
      const share = (gpu.used_mib ?? gpu.claimed_mib) / gpu.total_mib;
      return html`<span key=${gpu.uuid}>GPU <${Meter} share=${share}
        label=${t("models.gpu.memory", { name: gpu.name })} /> ${percent(share)}</span>`;
    })}
    ${ram && html`<span>RAM ${percent(1 - ram.available_mib / ram.total_mib)}
      <span class="dim"> ${t("models.ram.free", { size: bytes(ram.available_mib * MIB) })}</span></span>`}
    ${waiting > 0 && html`<span>
      ${`${t("models.queue.title")}: ${t("models.queue.waiting", { n: waiting })}`}</span>`}
  </p>`;
}
