// The one connection to /api/live: reads it, and begins it anew when it breaks or falls silent. It runs in
// the shared worker or in a page; it knows neither the page nor what the news mean, and never runs unless it
// was opened.

import { EventParser } from "../sse.js";

const PATH = "/api/live";
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;
const REFUSED_WAIT_MS = 30_000; // a wrong key gets no better by asking often
const SILENCE_MS = 40_000; // the proxy gives a sign of life every 15 s

/**
 * How long to wait before the next try, somewhere between half of it and all.
 * @param {number} attempt 0 for the first
 * @param {number} status what the proxy answered; 0: nothing
 * @param {number} chance from 0 to 1
 */
export function waitBefore(attempt, status, chance) {
  const isRefused = status === 401 || status === 403;
  const whole = isRefused ? REFUSED_WAIT_MS : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  return whole * (0.5 + chance / 2);
}

export class Feed {
  #run = null;
  #key = "";
  #heard = null;

  /**
   * @param {object} ways
   * @param {(event: {event: string, data: object}, at: number) => void} ways.onEvent
   * @param {(link: {state: string, since: number, heard: number|null, status: number}) => void} ways.onLink
   */
  constructor({ onEvent, onLink, fetch = globalThis.fetch.bind(globalThis), now = () => Date.now() / 1000 }) {
    this.onEvent = onEvent;
    this.onLink = onLink;
    this.fetch = fetch;
    this.now = now;
  }

  /** Open it, or with another key open it anew. */
  open(key) {
    if (this.#run && this.#key === key) return;
    this.close();
    this.#key = key;
    this.#run = new AbortController();
    this.#keepUp(this.#run);
  }

  /** A wait that goes on is over: the network is back, or somebody looks again. */
  hurry() {
    this.#run?.hurry?.();
  }

  close() {
    this.#run?.abort();
    this.#run = null;
  }

  async #keepUp(run) {
    for (let attempt = 0; !run.signal.aborted; attempt += 1) {
      this.#tell("connecting", 0);
      const before = this.#heard;
      const status = await this.#once(run);
      if (run.signal.aborted) return;
      if (this.#heard !== before) attempt = 0;
      this.#tell("down", status);
      await pause(run, waitBefore(attempt, status, Math.random()));
    }
  }

  /** One connection from its beginning to its end; what it answered, 0 for nothing. */
  async #once(run) {
    const line = new AbortController();
    const end = () => line.abort();
    run.signal.addEventListener("abort", end, { once: true });
    try {
      const headers = this.#key ? { authorization: `Bearer ${this.#key}` } : {};
      const response = await this.fetch(PATH, { headers, cache: "no-store", signal: line.signal });
      if (response.ok) await this.#read(response, line);
      else await response.body?.cancel();
      return response.status;
    } catch {
      return 0;
    } finally {
      run.signal.removeEventListener("abort", end);
    }
  }

  async #read(response, line) {
    const [reader, parser, decoder] = [response.body.getReader(), new EventParser(), new TextDecoder()];
    let silence;
    const awake = () => {
      clearTimeout(silence);
      silence = setTimeout(() => line.abort(), SILENCE_MS);
    };
    try {
      for (let isFirst = true; ; isFirst = false) {
        awake();
        const { done, value } = await reader.read();
        if (done) return;
        this.#heard = this.now();
        for (const { event, data } of parser.push(decoder.decode(value, { stream: true }))) {
          this.onEvent({ event, data: JSON.parse(data) }, this.#heard);
        }
        this.#tell("live", response.status, isFirst);
      }
    } finally {
      clearTimeout(silence);
    }
  }

  #tell(state, status, isNew = true) {
    if (isNew) this.since = this.now();
    this.onLink({ state, since: this.since, heard: this.#heard, status });
  }
}

function pause(run, ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    run.hurry = () => {
      clearTimeout(timer);
      resolve();
    };
    run.signal.addEventListener("abort", run.hurry, { once: true });
  });
}
