// How the use of each GPU went in the last minutes, from what /api/live says. Values only; nothing is kept
// for longer than there is somebody who looks.

const MOST = 300; // samples, two seconds apart: ten minutes
const LEAST_APART_S = 1.5;

/** Under which a GPU's samples are kept. */
export function usageKey(machine, gpu) {
  return `${machine.site}/${gpu.uuid}`;
}

/**
 * @param {Readonly<Record<string, Array<[number, number|null, number|null]>>>} usage [at, MiB, % of work]
 * @param {ReadonlyArray<object>} machines as they are now
 * @param {number} at
 */
export function record(usage, machines, at) {
  const next = {};
  for (const machine of machines) {
    for (const gpu of machine.gpus ?? []) {
      const key = usageKey(machine, gpu);
      next[key] = longer(usage[key] ?? [], [at, gpu.used_mib ?? null, gpu.utilisation_pct ?? null]);
    }
  }
  return next;
}

function longer(samples, sample) {
  const last = samples.at(-1);
  if (last && sample[0] - last[0] < LEAST_APART_S) return samples;
  return [...samples.slice(1 - MOST), sample];
}
