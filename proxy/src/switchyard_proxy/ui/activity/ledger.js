// Fetches requests and hears of new ones, while the page is seen. Says what came, not how it looks.

import { open, request } from "../api.js";
import { signal } from "../html.js";
import { eventsOf } from "../sse.js";
import { searchOf } from "./filters.js";
import { arrived, begun, continued, EMPTY, missing, shown } from "./rows.js";

const PAGE = 50;
const PAUSES_S = [0.5, 1, 2, 4, 8];

/**
 * One reading of the accounts, for one choice of filters. `hold()` says whether news must wait.
 * @param {{hold: () => boolean}} reader
 */
export class Ledger {
  list = signal(EMPTY);
  /** "loading" | "ready" | "failed", and of the live line: "off" | "connecting" | "live" | "down" */
  state = signal("loading");
  line = signal("off");
  problem = signal(null);
  #filters = null;
  #stop = new AbortController();
  #line = null;
  #hold;

  constructor({ hold }) {
    this.#hold = hold;
  }

  /** Everything anew, for these filters. */
  async begin(filters) {
    this.end();
    this.#stop = new AbortController();
    const { signal: gone } = this.#stop;
    this.#filters = filters;
    this.state.value = "loading";
    try {
      const page = await this.#page({ signal: gone });
      if (gone.aborted) return;
      this.list.value = begun(page);
      this.problem.value = null;
      this.state.value = "ready";
      this.#watch(gone);
    } catch (error) {
      if (!gone.aborted) this.#fail(error);
    }
  }

  /** The next older page. */
  async more() {
    const { before } = this.list.peek();
    if (before === null) return;
    const { signal: gone } = this.#stop;
    const page = await this.#page({ before, signal: gone });
    if (!gone.aborted) this.list.value = continued(this.list.peek(), page);
  }

  /** What waited is shown. */
  release() {
    this.list.value = shown(this.list.peek());
  }

  end() {
    this.#stop.abort();
    this.#line?.abort();
    this.line.value = "off";
  }

  #fail(error) {
    this.list.value = EMPTY;
    this.problem.value = error;
    this.state.value = "failed";
  }

  #page({ before = null, signal: gone }) {
    const asked = searchOf(this.#filters, Date.now() / 1000);
    asked.set("limit", String(PAGE));
    if (before !== null) asked.set("before", String(before));
    return request("GET", `/api/requests?${asked}`, { signal: gone });
  }

  // Nobody looks at a hidden tab, and each open line is one of the six that a browser has for the proxy.
  #watch(gone) {
    const look = () => {
      this.#line?.abort();
      this.#line = null;
      if (document.hidden || gone.aborted) {
        this.line.value = "off";
        return;
      }
      this.#line = new AbortController();
      this.#follow(this.#line.signal);
    };
    document.addEventListener("visibilitychange", look, { signal: gone });
    addEventListener("online", look, { signal: gone });
    look();
  }

  async #follow(gone) {
    for (let failures = 0; !gone.aborted; failures += 1) {
      this.line.value = failures ? "down" : "connecting";
      if (failures) await pause(PAUSES_S[Math.min(failures, PAUSES_S.length) - 1], gone);
      try {
        for await (const event of eventsOf(await this.#openLine(gone))) {
          failures = 0;
          this.line.value = "live";
          this.#hear(event);
        }
      } catch {
        // Whatever it was, it is asked again, from where we are.
      }
    }
  }

  async #openLine(gone) {
    const asked = searchOf(this.#filters, Date.now() / 1000);
    const { newest } = this.list.peek();
    if (newest !== null) asked.set("after", String(newest));
    const response = await open("GET", `/api/requests/live?${asked}`, { signal: gone });
    this.line.value = "live";
    return response;
  }

  #hear({ event, data }) {
    const said = JSON.parse(data);
    if (event === "gap") this.list.value = missing(this.list.peek(), said.missed);
    if (event === "request") this.list.value = arrived(this.list.peek(), said, this.#hold());
  }
}

const pause = (seconds, gone) => new Promise((done) => {
  const timer = setTimeout(done, seconds * 1000 * (0.75 + Math.random() / 2));
  gone.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
});
