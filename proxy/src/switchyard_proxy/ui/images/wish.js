// What the form holds, what is wrong with it, and the request that it makes. Pure: no fields on the screen,
// no network.

import { fault, parsed } from "./sizes.js";

/**
 * @typedef {{
 *   mode: "draw"|"edit", model: string, prompt: string, negative: string, size: string, steps: number|null,
 *   guidance: number|null, seed: number|null, locked: boolean, count: number,
 *   loras: {name: string, scale: number}[], sigmas: string, strength: number|null,
 *   background: "auto"|"transparent"|"opaque", format: "png"|"jpeg"|"webp", compression: number|null,
 *   references: string[], masked: boolean,
 * }} Wish
 */

export const MOST_PROMPT = 32_000;
export const MOST_PICTURES = 10;
export const MOST_STEPS = 200;
export const PREVIEWS = 2;

/** @type {Readonly<Wish>} */
export const BLANK = Object.freeze({
  mode: "draw", model: "", prompt: "", negative: "", size: "auto", steps: null, guidance: null, seed: null,
  locked: false, count: 1, loras: [], sigmas: "", strength: null, background: "auto", format: "png",
  compression: null, references: [], masked: false,
});

/** Whatever was kept, with every member there and of its kind. @param {unknown} kept @returns {Wish} */
export function revived(kept) {
  const wish = { ...BLANK };
  for (const [name, usual] of Object.entries(BLANK)) {
    const value = /** @type {any} */ (kept)?.[name];
    const alike = usual === null ? typeof value === "number" : typeof value === typeof usual;
    if (alike && Array.isArray(value) === Array.isArray(usual)) wish[name] = value;
  }
  return wish;
}

/**
 * What must be mended before it can be sent: `field` is where, `key` what.
 * @param {Wish} wish
 * @param {import("./abilities.js").Abilities} abilities
 * @returns {{field: string, key: string, values?: object}[]}
 */
export function faultsIn(wish, abilities) {
  const faults = [];
  const add = (field, key, values) => faults.push({ field, key, values });
  if (!wish.model) add("model", "no-model");
  if (!wish.prompt.trim()) add("prompt", "no-prompt");
  if (wish.prompt.length > MOST_PROMPT) add("prompt", "long-prompt", { n: MOST_PROMPT });
  if (wish.size !== "auto") {
    const size = parsed(wish.size);
    const wrong = size ? fault(size) : "size-unreadable";
    if (wrong) add("size", wrong);
  }
  if (wish.steps !== null && !between(wish.steps, leastSteps(abilities), MOST_STEPS)) {
    add("steps", "steps-range", { least: leastSteps(abilities), most: MOST_STEPS });
  }
  const { guidance } = wish;
  if (guidance !== null && !(guidance >= 0 && guidance <= 100)) add("guidance", "guidance-range");
  if (wish.negative.trim() && !isGuided(wish, abilities)) add("negative", "negative-unguided");
  if (wish.seed !== null && !between(wish.seed, 0, Number.MAX_SAFE_INTEGER)) add("seed", "seed-range");
  if (!between(wish.count, 1, MOST_PICTURES)) add("count", "count-range", { n: MOST_PICTURES });
  if (sigmasIn(wish.sigmas) === null) add("sigmas", "sigmas-unreadable");
  if (wish.background === "transparent" && wish.format === "jpeg") add("format", "no-transparent-jpeg");
  const { compression } = wish;
  if (compression !== null && !between(compression, 0, 100)) add("compression", "compression-range");
  faults.push(...editFaults(wish, abilities));
  return faults;
}

function editFaults(wish, abilities) {
  if (wish.mode !== "edit") return [];
  if (wish.references.length === 0) return [{ field: "references", key: "no-reference" }];
  if (wish.references.length > abilities.references && abilities.edits) {
    return [{ field: "references", key: "many-references", values: { n: abilities.references } }];
  }
  if (wish.strength !== null && !(wish.strength > 0 && wish.strength <= 1)) {
    return [{ field: "strength", key: "strength-range" }];
  }
  return [];
}

function leastSteps(abilities) {
  return abilities.steps?.least ?? 1;
}

function between(value, least, most) {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** Whether a negative prompt would do anything; yes where nothing is known. */
function isGuided(wish, abilities) {
  const guidance = wish.guidance ?? abilities.guidance;
  return guidance === null || guidance > 1;
}

/**
 * Numbers between 0 and 1, each below the one before: null where it is something else.
 * @param {string} text
 */
export function sigmasIn(text) {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const numbers = words.map(Number);
  const falls = numbers.every((one, i) => one > 0 && one <= 1 && (i === 0 || one < numbers[i - 1]));
  return falls ? numbers : null;
}

/**
 * The members of the request. What is left to the model is left out.
 * @param {Wish} wish
 * @param {{seed: number, ours: boolean}} more `ours`: our own engine, which streams with previews and steps
 */
export function fieldsOf(wish, more) {
  const fields = { model: wish.model, prompt: wish.prompt, n: wish.count, size: wish.size, seed: more.seed };
  const sigmas = sigmasIn(wish.sigmas) ?? [];
  if (wish.negative.trim()) fields.negative_prompt = wish.negative;
  if (sigmas.length > 0) fields.sigmas = sigmas;
  else if (wish.steps !== null) fields.num_inference_steps = wish.steps;
  if (wish.guidance !== null) fields.true_cfg_scale = wish.guidance;
  if (wish.loras.length > 0) fields.lora = wish.loras;
  if (wish.mode === "edit" && wish.strength !== null) fields.strength = wish.strength;
  if (wish.background !== "auto") fields.background = wish.background;
  fields.output_format = wish.format;
  if (wish.compression !== null && wish.format !== "png") fields.output_compression = wish.compression;
  return more.ours
    ? { ...fields, stream: true, partial_images: PREVIEWS, progress: true }
    : { ...fields, response_format: "b64_json" };
}

/** The same as fields of a form, whose values are text. @param {Record<string, unknown>} fields */
export function formEntries(fields) {
  return Object.entries(fields).map(([name, value]) => [
    name, typeof value === "object" ? JSON.stringify(value) : String(value),
  ]);
}

/**
 * The form as it was when a picture was asked for, but for what belongs to another model or is not there any
 *   more.
 * @param {Wish} now @param {Partial<Wish> & {seed: number}} then
 * @param {"all"|"prompt"|"seed"} what
 * @returns {Wish}
 */
export function reused(now, then, what) {
  if (what === "prompt") return { ...now, prompt: then.prompt ?? "", negative: then.negative ?? "" };
  if (what === "seed") return { ...now, seed: then.seed, locked: true };
  return { ...revived(then), seed: then.seed, locked: true, count: 1 };
}

/**
 * A random seed that every client's numbers hold exactly.
 * @param {(into: Uint32Array) => Uint32Array} fill
 */
export function newSeed(fill = (into) => crypto.getRandomValues(into)) {
  return fill(new Uint32Array(1))[0];
}
