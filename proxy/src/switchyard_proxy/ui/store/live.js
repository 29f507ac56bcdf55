// What the manager says of models and machines, live, for every view: signals to read, never to write. While
// the link is down they keep what was heard last, and `link.heard` says when; nothing here guesses what may
// be so by now.

import { request } from "../api.js";
import { batch, effect, signal } from "../html.js";
import { Feed } from "./feed.js";
import { apply, NOTHING } from "./news.js";
import { settings } from "./settings.js";

const WORKER = new URL("../live.worker.js", import.meta.url).href;

/** Every model: a ModelStatus with `site`, and `at`, when it was heard (seconds since 1970). */
export const models = signal([]);
/** One for each manager: {site, name, version, connected, gpus, ram, queue, trouble}; for operators only. */
export const machines = signal([]);
/** Which managers there are: {site, connected}. */
export const sites = signal([]);
/** How the use of each GPU went in the last minutes (see usage.js). */
export const usage = signal({});
/** {state: "connecting"|"live"|"down", since, heard, status}: `heard` is null until something was. */
export const link = signal({ state: "connecting", since: Date.now() / 1000, heard: null, status: 0 });
/** GET /api/ui: what this proxy is, and what the caller may do; null until it is known. */
export const facts = signal(null);

let news = NOTHING;
let start = () => {
  const line = sharedLine() ?? ownLine();
  const watch = () => line.watch(settings.peek().key);
  document.addEventListener("visibilitychange", watch);
  globalThis.addEventListener("online", () => line.hurry());
  globalThis.addEventListener("pagehide", () => line.leave());
  globalThis.addEventListener("pageshow", ({ persisted }) => persisted && watch());
  effect(() => line.watch(settings.value.key));
};

/** Begin to listen; once is enough, and more does no harm. */
export function startLive() {
  start();
  start = () => {};
}

/** Ask anew what this proxy is and what the key may do. */
export async function refreshFacts() {
  try {
    facts.value = await request("GET", "/api/ui");
  } catch {
    // The link tells that the proxy is away; what is known stays.
  }
}

function hear(event, at) {
  news = apply(news, event, at);
  batch(() => {
    models.value = news.models;
    machines.value = news.machines;
    sites.value = news.sites;
    usage.value = news.usage;
  });
}

function hearLink(now) {
  const isBack = now.state === "live" && link.value.state !== "live";
  link.value = now;
  if (isBack || !facts.value) refreshFacts();
}

/** One stream for all tabs; null where browsers do not share. */
function sharedLine() {
  if (typeof SharedWorker !== "function") return null;
  try {
    const worker = new SharedWorker(trusted(WORKER), { type: "module", name: "switchyard-live" });
    return overPort(worker.port, worker);
  } catch {
    return null;
  }
}

function overPort(port, worker) {
  port.onmessage = ({ data }) => {
    if (data.kind === "event") hear(data.event, data.at);
    else hearLink(data.link);
  };
  const shared = {
    watch: (key) => port.postMessage({ kind: "watch", key, visible: !document.hidden }),
    hurry: () => port.postMessage({ kind: "hurry" }),
    leave: () => port.postMessage({ kind: "bye" }),
  };
  return withSubstitute(shared, worker);
}

/** The shared line, or this tab's own from the moment on which the worker turns out not to run. */
function withSubstitute(shared, worker) {
  let line = shared;
  let key = "";
  worker.onerror = () => {
    if (line !== shared) return;
    line = ownLine();
    line.watch(key);
  };
  return {
    watch(now) {
      key = now;
      line.watch(key);
    },
    hurry: () => line.hurry(),
    leave: () => line.leave(),
  };
}

/** This tab's own stream, while it can be seen. */
function ownLine() {
  const feed = new Feed({ onEvent: hear, onLink: hearLink });
  return {
    watch: (key) => (document.hidden ? feed.close() : feed.open(key)),
    hurry: () => feed.hurry(),
    leave: () => feed.close(),
  };
}

/** The one address from which a worker may be made; anything else is refused. */
function trusted(address) {
  if (!globalThis.trustedTypes) return address;
  const policy = globalThis.trustedTypes.createPolicy("switchyard-worker", {
    createScriptURL(wanted) {
      if (wanted !== WORKER) throw new TypeError("cannot make a worker from another address");
      return wanted;
    },
  });
  return policy.createScriptURL(address);
}
