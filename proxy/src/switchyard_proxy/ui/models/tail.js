// Follows one model's log: connects, gathers lines a quarter of a second long, and comes back after a break
// without forgetting what was read. It shows nothing; `changed` counts up when there is something new to
// show.

import { signal } from "../html.js";
import { eventsOf } from "../sse.js";
import { joined, MOST, Ring } from "./log-lines.js";

const GATHER_MS = 250;
const LONGEST_WAIT_MS = 8_000;

export class Tail {
  #stop = null;
  #gathered = [];
  #timer = null;
  #isBack = false;

  /** @param {(signal: AbortSignal, lines: number) => Promise<Response>} open the log as server-sent events */
  constructor(open, most = MOST) {
    this.open = open;
    this.ring = new Ring(most);
    this.changed = signal(0);
    /** `connecting`, `live`, `broken` (it tries again) or `refused` (it does not). */
    this.state = signal("connecting");
    this.refusal = signal(null);
  }

  start() {
    this.stop();
    this.#stop = new AbortController();
    this.#keepUp(this.#stop.signal);
  }

  stop() {
    this.#stop?.abort();
    this.#stop = null;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#gathered = [];
  }

  async #keepUp(signal) {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const count = this.ring.next;
      const error = await this.#once(signal);
      if (signal.aborted) return;
      this.#flush();
      if (error && error.status >= 400 && error.status < 500) {
        this.refusal.value = error;
        this.state.value = "refused";
        return;
      }
      this.state.value = "broken";
      if (this.ring.next > count) attempt = 0;
      await pause(signal, Math.min(LONGEST_WAIT_MS, 500 * 2 ** attempt) * (0.5 + Math.random() / 2));
    }
  }

  /** One connection until it ends; what kept it from being, or null. */
  async #once(signal) {
    try {
      const response = await this.open(signal, this.ring.most);
      this.#isBack = this.ring.next > 0;
      this.state.value = "live";
      const since = Date.now();
      for await (const { event, data } of eventsOf(response)) this.#take(event, data, since);
      return null;
    } catch (error) {
      return error;
    }
  }

  #take(event, data, since) {
    const isOld = Date.now() - since < GATHER_MS; // said before anybody listened
    const at = isOld ? null : Date.now() / 1000;
    if (event === "line") this.#gathered.push({ text: JSON.parse(data), at });
    else if (event === "new_run") this.#gathered.push({ kind: "run", at });
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#gathered.length) return;
    this.ring.add(this.#isBack ? joined(this.ring.lines, this.#gathered) : this.#gathered);
    this.#isBack = false;
    this.#gathered = [];
    this.changed.value += 1;
  }
}

function pause(signal, ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
