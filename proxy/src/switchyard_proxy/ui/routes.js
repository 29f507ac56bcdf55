// The address decides the view: `#/<view>/<path…>?<query>`. Views, words and looks load when first asked for.

import { signal } from "./html.js";
import { loadArea } from "./i18n/index.js";

const VIEWS = {
  chat: {
    load: () => import("./chat/view.js"),
    areas: ["chat", "media", "text"],
    looks: ["chat", "media", "text", "picker"],
  },
  images: {
    load: () => import("./images/view.js"),
    areas: ["images", "media"],
    looks: ["images", "media", "picker"],
  },
  models: { load: () => import("./models/view.js"), areas: ["models"], looks: ["models"] },
  activity: { load: () => import("./activity/view.js"), areas: ["activity"], looks: ["activity"] },
  settings: { load: () => import("./settings/view.js"), areas: ["settings"], looks: ["settings"] },
};
export const VIEW_NAMES = Object.keys(VIEWS);

/**
 * @param {string} hash
 * @returns {{view: string, path: string[], query: Record<string, string>}} the chat where there is no such
 *   view
 */
export function parse(hash) {
  const [place, query = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [view, ...path] = place.split("/").filter(Boolean).map(decoded);
  if (!VIEW_NAMES.includes(view)) return { view: "chat", path: [], query: {} };
  return { view, path, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a place. Empty values of the query are left out. */
export function format({ view, path = [], query = {} }) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && (value ?? null) !== null);
  const tail = given.length ? `?${new URLSearchParams(given)}` : "";
  return `#/${[view, ...path].map(encodeURIComponent).join("/")}${tail}`;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = signal(parse(globalThis.location?.hash ?? ""));

/**
 * @param {string} hash as `format` makes it
 * @param {{replace?: boolean}} [how] `replace` leaves no step back
 */
export function go(hash, { replace = false } = {}) {
  if (hash === location.hash) return;
  if (replace) history.replaceState(null, "", hash);
  else history.pushState(null, "", hash);
  route.value = parse(hash);
}

export function followAddress() {
  const read = () => { route.value = parse(location.hash); };
  addEventListener("hashchange", read);
  addEventListener("popstate", read);
}

const PAUSES_MS = [300, 900];

/** A network that changes under the page breaks what is being asked for just then: it is asked for again. */
export async function insist(load, pauses = PAUSES_MS) {
  try {
    return await load();
  } catch (error) {
    if (pauses.length === 0) throw error;
    await pause(pauses[0]);
    return insist(load, pauses.slice(1));
  }
}

/** Some time, or until the network is back. */
function pause(ms) {
  return new Promise((resolve) => {
    const end = () => { clearTimeout(timer); globalThis.removeEventListener?.("online", end); resolve(); };
    const timer = setTimeout(end, ms);
    globalThis.addEventListener?.("online", end);
  });
}

const PAINT_WITHIN_MS = 1000;

/** Done once something can be seen: until then nothing that can wait takes the wire or the processor. */
export const painted = new Promise((resolve) => {
  const isSeen = globalThis.document?.visibilityState === "visible";
  if (!isSeen || !PerformanceObserver.supportedEntryTypes.includes("paint")) return resolve();
  const observer = new PerformanceObserver((list) => {
    if (list.getEntriesByName("first-contentful-paint").length) resolve();
  });
  observer.observe({ type: "paint", buffered: true });
  return setTimeout(resolve, PAINT_WITHIN_MS);
});

const ready = new Map();

/**
 * The module of a view, once its words and looks are there, too. One that failed to come is asked for again.
 */
export function loadView(name) {
  if (!ready.has(name)) ready.set(name, fetchView(VIEWS[name]).catch((error) => forget(name, error)));
  return ready.get(name);
}

function forget(name, error) {
  ready.delete(name);
  throw error;
}

async function fetchView({ load, areas, looks }) {
  await painted;
  const words = areas.map((area) => insist(() => loadArea(area)));
  const [module] = await Promise.all([insist(load), ...words, ...looks.map(loadLook)]);
  return module;
}

/** Adds `css/<name>.css` once. A look that does not come leaves the view plain, not absent. */
export async function loadLook(name) {
  const href = new URL(`./css/${name}.css`, import.meta.url).href;
  if (!document.querySelector(`link[href="${href}"]`)) await insist(() => link(href)).catch(() => null);
}

function link(href) {
  const element = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  return new Promise((resolve, reject) => {
    element.onload = resolve;
    element.onerror = () => { element.remove(); reject(new Error(`cannot load ${href}`)); };
    document.head.append(element);
  });
}
