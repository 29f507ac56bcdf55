// One line of facts for whoever has just come: what runs here, on what, what is ready. Nothing is guessed.

import { html } from "../html.js";
import { bytes, t } from "../i18n/index.js";
import { facts, machines, models } from "../store/live.js";

const MIB = 1024 ** 2;

export function BootLine() {
  const words = factsInWords(facts.value, machines.value, models.value);
  return words.length ? html`<p class="command-said">${words.join(" · ")}</p>` : null;
}

/** What is known of it by now, each fact for itself. */
export function factsInWords(known, theirs, ours) {
  const gpus = theirs.flatMap((machine) => machine.gpus ?? []);
  const ready = ours.filter((model) => model.phase === "ready").length;
  return [
    known?.version && t("shell.boot.version", { version: known.version }),
    gpus.length > 0 && gpuWords(gpus),
    ours.length > 0 && t("shell.boot.models", { n: ours.length }),
    ours.length > 0 && (ready ? t("shell.boot.ready", { n: ready }) : t("shell.boot.none_ready")),
  ].filter(Boolean);
}

function gpuWords(gpus) {
  const kinds = [...new Set(gpus.map((gpu) => gpu.name.replace(/^NVIDIA (GeForce )?/, "")))];
  const total = gpus.reduce((sum, gpu) => sum + gpu.total_mib, 0);
  return t("shell.boot.gpus", { n: gpus.length, names: kinds.join(", "), size: bytes(total * MIB) });
}
