// How a GPU's memory is shared out, as the parts of a bar; and what one more model would change. Values only.

const TRIFLE_MIB = 64; // what a driver keeps for itself is not worth a part of its own

/**
 * @typedef {object} Part
 * @property {"model"|"stranger"|"other"|"free"|"reserve"} kind
 * @property {string} name the model's, or the process's
 * @property {number} mib
 * @property {number|null} measured what it really holds, of what is claimed
 */

/**
 * The parts of a GPU's memory from left to right; they add up to no less than its size.
 * @param {object} gpu a GpuStatus
 * @returns {Part[]}
 */
export function partsOf(gpu) {
  const held = heldByModel(gpu.processes ?? []);
  const ours = (gpu.models ?? []).map(({ model, claim_mib: claim }) => {
    const measured = held.get(model) ?? null;
    return { kind: "model", name: model, mib: Math.max(claim, measured ?? 0), measured };
  });
  const strangers = (gpu.processes ?? [])
    .filter((process) => !process.model && process.used_mib)
    .map(({ name, used_mib: mib }) => ({ kind: "stranger", name, mib, measured: mib }));
  const taken = [...ours, ...strangers, ...unexplained(gpu)];
  const left = Math.max(0, gpu.total_mib - sum(taken));
  const reserve = Math.min(gpu.reserve_mib, left);
  return [
    ...taken,
    { kind: "free", name: "", mib: left - reserve, measured: null },
    { kind: "reserve", name: "", mib: reserve, measured: null },
  ].filter(({ mib }) => mib > 0);
}

/** What is measured in use and belongs to no process that the driver names. */
function unexplained(gpu) {
  const named = (gpu.processes ?? []).reduce((total, process) => total + (process.used_mib ?? 0), 0);
  const isBlind = (gpu.processes ?? []).some((process) => process.used_mib === null);
  const mib = (gpu.used_mib ?? 0) - (isBlind ? Math.max(named, gpu.claimed_mib ?? 0) : named);
  return mib > TRIFLE_MIB ? [{ kind: "other", name: "", mib, measured: mib }] : [];
}

function heldByModel(processes) {
  const held = new Map();
  for (const { model, used_mib: used } of processes) {
    if (model && used) held.set(model, (held.get(model) ?? 0) + used);
  }
  return held;
}

/** Each part's share of the bar in per cent; where they come to more than the GPU has, they share it. */
export function sharesOf(parts, total) {
  const whole = Math.max(total, sum(parts));
  return parts.map(({ mib }) => (100 * mib) / whole);
}

/**
 * What a model would take of a GPU, and who would leave it for that; null if the plan does not take that GPU.
 * @param {object|null} explanation an Explanation of the manager's
 * @param {object} gpu
 */
export function ghostOf(explanation, gpu) {
  if (!explanation || !explanation.site.includes(gpu.uuid)) return null;
  const found = explanation.gpus.find(({ uuid }) => uuid === gpu.uuid);
  const whole = gpu.total_mib - gpu.reserve_mib;
  const mib = found?.need_mib ?? whole;
  const start = startOf(partsOf(gpu), explanation.victims);
  return { mib, share: percent(mib, gpu), start: Math.min(percent(start, gpu), 100 - percent(mib, gpu)) };
}

/** Where there is room once the victims are gone: behind all that stays. */
function startOf(parts, victims) {
  const isUnheld = ({ kind }) => kind === "free" || kind === "reserve";
  return sum(parts.filter((part) => !isUnheld(part) && !victims.includes(part.name)));
}

function percent(mib, gpu) {
  return Math.min(100, (100 * mib) / gpu.total_mib);
}

function sum(parts) {
  return parts.reduce((total, { mib }) => total + mib, 0);
}

/**
 * A line through samples, as the points of a polyline; the newest is at the right end.
 * @param {ReadonlyArray<[number, number|null, number|null]>} samples
 * @param {{width: number, height: number, most: number, span: number}} frame `most` is the top, `span` in s
 */
export function lineThrough(samples, { width, height, most, span }) {
  const last = samples.at(-1)?.[0] ?? 0;
  const across = (at) => width * (1 - (last - at) / span);
  const up = (used) => height * (1 - Math.min(used, most) / most);
  return samples
    .filter(([at, used]) => used !== null && last - at <= span)
    .map(([at, used]) => [across(at), up(used)])
    .map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`)
    .join(" ");
}
