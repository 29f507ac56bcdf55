// What this browser prefers: one frozen object, kept in localStorage, the same in every tab.

import { signal } from "../html.js";

const PLACE = "switchyard.settings";
const SAMPLING = { temperature: null, top_p: null, max_tokens: null, seed: null };
const CHOICES = {
  theme: ["auto", "phosphor", "amber", "paper"],
  density: ["cosy", "compact"],
  lang: ["auto", "en", "ru"],
};
export const DEFAULTS = Object.freeze({
  theme: "phosphor",
  scanlines: false,
  density: "cosy",
  lang: "auto",
  key: "",
  enterSends: true,
  singleKeys: true,
  model: "",
  system: "",
  sampling: Object.freeze(SAMPLING),
});

/**
 * Keeps of a stored text what is known and of the right kind; the rest is as at first.
 * @param {string | null} text
 */
export function read(text) {
  let stored = null;
  try {
    stored = JSON.parse(text ?? "null");
  } catch { /* something else wrote there */ }
  return merge(DEFAULTS, stored !== null && typeof stored === "object" ? stored : {});
}

/** @returns a new frozen object: `settings` with what `partial` says, where that can be */
export function merge(settings, partial) {
  const next = { ...settings };
  for (const name of Object.keys(DEFAULTS)) {
    if (name === "sampling") next.sampling = mergeSampling(settings.sampling, partial.sampling);
    else if (fits(name, partial[name])) next[name] = partial[name];
  }
  return Object.freeze(next);
}

function mergeSampling(sampling, partial) {
  const isSet = (name) => partial?.[name] === null || Number.isFinite(partial?.[name]);
  const known = Object.keys(SAMPLING).filter(isSet).map((name) => [name, partial[name]]);
  return Object.freeze({ ...sampling, ...Object.fromEntries(known) });
}

const fits = (name, value) => (
  CHOICES[name] ? CHOICES[name].includes(value) : typeof value === typeof DEFAULTS[name]
);

// Storage may be switched off altogether; the page then forgets at its end, and works.
function stored() {
  try {
    return localStorage.getItem(PLACE);
  } catch {
    return null;
  }
}

export const settings = signal(read(stored()));

/** @param {Partial<typeof DEFAULTS>} partial */
export function change(partial) {
  settings.value = merge(settings.value, partial);
  try {
    localStorage.setItem(PLACE, JSON.stringify(settings.value));
  } catch { /* full, or switched off */ }
}

globalThis.addEventListener?.("storage", (event) => {
  if (event.key === PLACE || event.key === null) settings.value = read(event.newValue);
});
