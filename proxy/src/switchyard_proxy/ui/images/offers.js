// What image models offer, as their engines told it: asked while an engine runs, remembered for when it does
// not.

import { request } from "../api.js";
import { signal } from "../html.js";
import { models } from "../store/live.js";
import { find } from "../store/names.js";
import { abilitiesOf } from "./abilities.js";

const KEPT = "switchyard.images.offers";
const PICTURES = ["images", "image_edits"];

const told = signal(remembered());
const asking = new Set();
const heard = new Set(); // in the life of this page; an engine does not change its mind

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

/** Whether a model draws or edits, as the manager lists it. */
export const isPainter = (model) => PICTURES.some((can) => model.capabilities?.includes(can));
export const painters = () => models.value.filter(isPainter);

/** @param {string} name or alias, or name:variant */
export const painter = (name) => (name ? find(models.value, name)?.model ?? null : null);

/** Whether it is our own engine: it streams, with previews and steps. */
export const isOurs = (name) => painter(name)?.engine === "image-server";

/** @param {string} name @returns {import("./abilities.js").Abilities} */
export function abilities(name) {
  const listed = painter(name);
  return abilitiesOf(listed, listed && told.value[listed.name]);
}

/** Asks the engine, if it runs; looking at one never loads it. @param {string} name */
export async function learn(name) {
  const listed = painter(name);
  if (!listed || listed.phase !== "ready" || asking.has(listed.name) || heard.has(listed.name)) return;
  asking.add(listed.name);
  try {
    const body = await request("GET", `/upstream/${encodeURIComponent(listed.name)}/v1/models`);
    const capabilities = body?.data?.[0]?.capabilities;
    if (capabilities && !Array.isArray(capabilities)) remember(listed.name, capabilities);
  } catch {
    // It sleeps, or is no engine of ours: then what its entry says must do.
  } finally {
    asking.delete(listed.name);
  }
}

function remember(name, capabilities) {
  heard.add(name);
  told.value = { ...told.value, [name]: capabilities };
  try {
    localStorage.setItem(KEPT, JSON.stringify(told.value));
  } catch {
    // A full or forbidden store costs a question next time, no more.
  }
}
