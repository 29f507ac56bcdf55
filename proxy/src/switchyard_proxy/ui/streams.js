// Streams that survive a lost connection: ask, read, and where it breaks read again from the last event on,
// until the stream itself says that it is over. What the events mean is their listener's business; nothing is
// shown or kept here.

import { ApiError, open } from "./api.js";
import { breath } from "./breath.js";
import { signal } from "./html.js";
import { eventsOf } from "./sse.js";
import { PACE, isLast, moveAfter, troubleIn } from "./stream-moves.js";

const QUIET_MS = 45_000; // the proxy gives a sign of life every 10 s
const SUSPECT_MS = 15_000; // somebody looks again, or the network came back: less is needed to doubt
const BREATHE_AFTER_MS = 8;
const STOP_TRIES = 6;
const CLOCK = { now: () => performance.now(), later, random: Math.random };

/** @returns {() => void} what calls it off */
function later(ms, run) {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/**
 * @typedef {object} Wish
 * @property {string} [path] where the request goes
 * @property {unknown} [json]
 * @property {BodyInit} [body]
 * @property {Record<string, string>} [headers]
 * @property {string} [conversation] a name by which the stream is found before its id is known; unique to it
 * @property {(event: {id: string, event: string, data: string}) => void} onEvent each event once, in order
 * @property {(state: string, stream: Stream) => void} [onState]
 *
 * @param {Wish} wish
 * @returns {Stream}
 */
export const startStream = (wish, tools) => new Stream(wish, tools).begin("ask");

/**
 * Reads on where somebody stopped reading; nothing is asked for anew.
 * @param {Wish & {id?: string | null, lastSeq?: number}} wish
 * @returns {Stream}
 */
export const resumeStream = (wish, tools) => new Stream(wish, tools).begin("resume");

/** `waiting → streaming ⇄ reconnecting → done | stopped | failed | interrupted` */
export class Stream {
  state = signal("waiting");
  /** Why it failed, or what it waits for. @type {{code: string, message: string, status: number} | null} */
  error = null;
  #wish;
  #tools;
  #line = null; // the connection that is open, as an AbortController
  #heardAt = 0;
  #failures = 0;
  #seen = null;
  #isLetGo = false;
  #hasHead = false; // the proxy has answered the request
  #hasAsked = false;
  #hurry = () => {};

  constructor(wish, tools = {}) {
    const { clock = CLOCK, pace = PACE, quiet_ms = QUIET_MS, page = globalThis, fetch = open } = tools;
    this.#wish = wish;
    this.#tools = { clock, pace, quiet_ms, page, open: fetch };
    this.id = wish.id ?? null;
    this.conversation = wish.conversation ?? `page-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;
    this.lastSeq = wish.lastSeq ?? 0;
  }

  get isOver() {
    return !["waiting", "streaming", "reconnecting"].includes(this.state.peek());
  }

  begin(first) {
    for (const [target, name] of this.#wakers()) target?.addEventListener?.(name, this.#wake);
    this.#run(first).catch((fault) => this.#settle({ end: "failed", error: asError(fault) }));
    return this;
  }

  /** Ends the stream itself; what has come stays. Resolves to whether the proxy has confirmed it. */
  async stop() {
    if (this.isOver) return false;
    this.#letGo();
    this.#settle({ end: "stopped" });
    return this.#cancel();
  }

  /** Listens no longer. The stream goes on, and can be resumed by its id. */
  detach() {
    this.#letGo();
    this.#unhook();
  }

  #letGo() {
    this.#isLetGo = true;
    this.#line?.abort();
    this.#hurry();
  }

  async #run(first) {
    let tried = first;
    while (!this.#isLetGo) {
      this.#seen = { isOver: false, isNews: false, trouble: null };
      const outcome = await this.#connect(tried);
      if (this.#isLetGo) return;
      this.#failures = this.#seen.isNews ? 0 : this.#failures;
      const move = moveAfter(outcome, this.#facts(tried), this.#tools.pace);
      if (move.end) return this.#settle(move);
      this.#failures += 1;
      tried = move.next;
      await this.#pause(move);
    }
  }

  #facts(tried) {
    return {
      ...this.#seen,
      tried,
      canResume: this.id !== null,
      mayAsk: this.#wish.path !== undefined && !this.#hasHead,
      failures: this.#failures,
      chance: this.#tools.clock.random(),
    };
  }

  async #connect(tried) {
    this.#line = new AbortController();
    try {
      const response = await this.#opened(tried, this.#line.signal);
      await this.#read(response);
      return { how: "ended" };
    } catch (error) {
      if (error instanceof ListenerFault) throw error.cause;
      if (error instanceof ApiError) return { how: "refused", error };
      return { how: "cut" };
    } finally {
      this.#line = null;
    }
  }

  async #opened(tried, signal) {
    const { open } = this.#tools;
    const { path, json, body, headers } = this.#wish;
    if (tried === "resume") {
      return open("GET", this.#place(), { headers: { "Last-Event-ID": String(this.lastSeq) }, signal });
    }
    this.#hasAsked = true;
    const named = { ...headers, "X-Resumable": "1", "X-Conversation-Id": this.conversation };
    const response = await open("POST", path, { json, body, headers: named, signal });
    this.#hasHead = true;
    return response;
  }

  #place() {
    return this.id === null
      ? `/v1/stream?conv_id=${encodeURIComponent(this.conversation)}`
      : `/v1/streams/${encodeURIComponent(this.id)}`;
  }

  async #read(response) {
    this.error = null;
    const id = response.headers.get("x-stream-id");
    const isNew = id !== null && id !== this.id;
    if (isNew) this.id = id;
    if (isNew) this.#wish.onState?.(this.state.peek(), this);
    this.#move(this.lastSeq > 0 ? "streaming" : "waiting");
    const type = response.headers.get("content-type") ?? "";
    if (!type.startsWith("text/event-stream")) return this.#whole(response);
    const unwatch = this.#watch();
    let since = this.#tools.clock.now();
    try {
      for await (const event of eventsOf(response, { onSign: this.#sign })) {
        if (this.#isLetGo) return;
        this.#take(event);
        if (this.#seen.isOver) return;
        if (this.#tools.clock.now() - since < BREATHE_AFTER_MS) continue;
        await breath(); // a log that is read again comes faster than a page can show it
        since = this.#tools.clock.now();
      }
    } finally {
      unwatch();
    }
  }

  // A reply that is one document: told as one event.
  async #whole(response) {
    const data = await response.text();
    if (this.#isLetGo || this.lastSeq > 0) return;
    this.#take({ id: "1", event: "message", data });
    this.#seen.isOver = true;
  }

  #take(event) {
    const number = event.id === "" ? null : Number(event.id);
    if (number !== null && number <= this.lastSeq) return;
    if (number !== null) this.lastSeq = number;
    this.#seen.isNews = true;
    this.#seen.isOver = isLast(event);
    this.#seen.trouble ??= troubleIn(event);
    this.#move("streaming");
    try {
      this.#wish.onEvent(event);
    } catch (fault) {
      throw new ListenerFault("the listener failed", { cause: fault });
    }
  }

  #sign = () => { this.#heardAt = this.#tools.clock.now(); };

  // A connection may die without a word: a laptop slept, an address changed.
  #watch() {
    const { clock, quiet_ms } = this.#tools;
    this.#sign();
    let callOff = () => {};
    const look = () => {
      if (clock.now() - this.#heardAt >= quiet_ms) this.#line?.abort();
      else callOff = clock.later(quiet_ms - (clock.now() - this.#heardAt), look);
    };
    callOff = clock.later(quiet_ms, look);
    return () => callOff();
  }

  #pause({ wait_ms, because = null }) {
    this.error = because && asError(because);
    if (wait_ms === 0) return undefined;
    this.#move(this.#hasHead || this.lastSeq > 0 || !because?.retryAfter ? "reconnecting" : "waiting");
    return new Promise((resolve) => {
      const callOff = this.#tools.clock.later(wait_ms, resolve);
      this.#hurry = () => { callOff(); resolve(); };
    });
  }

  #wakers() {
    const { page } = this.#tools;
    return [[page, "online"], [page, "pageshow"], [page.document, "visibilitychange"]];
  }

  #wake = () => {
    const { page, clock } = this.#tools;
    if (page.document?.visibilityState === "hidden") return;
    const isSuspect = this.#heardAt > 0 && clock.now() - this.#heardAt > SUSPECT_MS;
    if (this.#line && isSuspect && this.id !== null) this.#line.abort();
    this.#hurry();
  };

  #move(state) {
    if (this.state.peek() === state || this.isOver) return;
    this.state.value = state;
    this.#wish.onState?.(state, this);
  }

  #settle({ end, error = null }) {
    this.error = error && asError(error);
    this.#unhook();
    this.#move(end);
  }

  #unhook() {
    for (const [target, name] of this.#wakers()) target?.removeEventListener?.(name, this.#wake);
  }

  // A request on its way may reach the proxy after the cancel: so "not known" is asked again while that can
  // be.
  async #cancel() {
    const { open, clock, pace } = this.#tools;
    const mayArrive = this.id === null && this.#hasAsked && !this.#hasHead;
    for (let attempt = 0; attempt < STOP_TRIES; attempt += 1) {
      try {
        await open("DELETE", this.#place(), {});
        return true;
      } catch (error) {
        const isUnknown = error.status === 404 || error.status === 410;
        if (isUnknown ? !mayArrive : error.status !== 0 && error.status < 500) return isUnknown;
      }
      const wait_ms = Math.min(pace.longest_ms, pace.first_ms * 2 ** attempt);
      await new Promise((resolve) => { clock.later(wait_ms, resolve); });
    }
    return false;
  }
}

class ListenerFault extends Error {}

const asError = ({ code = "page_fault", message = "", status = 0 }) => ({
  code: String(code), message, status,
});
