// A reply that is being written: its text grows in an element of its own, once a frame at most, and never
// waits for a frame when nobody looks. It owns what is in the element; it knows nothing of where the text
// comes from.

import { Blocks } from "./blocks.js";
import { breath } from "../breath.js";
import { Sheet } from "./sheet.js";

const FLUSH_MS = 6; // what drawing may take of a frame
const FIRST_PORTION = 4_000; // signs; then as many as fit
const SMALLEST = 500;
const LARGEST = 100_000;
const REST = 2; // a costly drawing is followed by so many times its length without one

export class LiveText {
  /** All that was appended. */
  text = "";
  #blocks = new Blocks();
  #sheet;
  #drawn = 0;
  #portion = FIRST_PORTION;
  #frame = 0;
  #timer = 0;
  #restUntil = 0;
  #isOver = false;

  /** @param {Element} element empty, and nobody else's */
  constructor(element) {
    element.classList.add("prose");
    this.#sheet = new Sheet(element);
    document.addEventListener("visibilitychange", this.#seen);
  }

  /** @param {string} text */
  append(text) {
    this.text += text;
    this.#call();
  }

  /** Draws what is left, at once if it is little; resolves when all is there. */
  async finish() {
    if (this.#isOver) return;
    this.drop();
    this.#flush();
    while (this.#drawn < this.text.length) {
      await breath();
      this.#flush();
    }
    this.#sheet.update(this.#blocks.end());
  }

  /** Draws nothing more. */
  drop() {
    this.#isOver = true;
    this.#callOff();
    document.removeEventListener("visibilitychange", this.#seen);
  }

  #seen = () => {
    this.#callOff();
    this.#draw();
  };

  // Frames sleep in a hidden tab; a timer there only dozes.
  #call() {
    if (this.#isOver || this.#frame || this.#timer) return;
    if (document.visibilityState === "hidden") this.#timer = setTimeout(this.#draw, 0);
    else this.#frame = requestAnimationFrame(this.#draw);
  }

  #callOff() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#frame = 0;
    this.#timer = 0;
  }

  #draw = () => {
    this.#frame = 0;
    this.#timer = 0;
    if (performance.now() >= this.#restUntil) this.#flush();
    if (this.#drawn < this.text.length) this.#call();
  };

  #flush() {
    const begun = performance.now();
    const portion = this.text.slice(this.#drawn, this.#drawn + this.#portion);
    this.#drawn += portion.length;
    const ended = this.#blocks.push(portion);
    this.#sheet.update(ended, this.#blocks.preview());
    this.#learn(performance.now() - begun, portion.length);
  }

  #learn(cost_ms, length) {
    if (cost_ms > FLUSH_MS) this.#restUntil = performance.now() + cost_ms * REST;
    if (length < this.#portion && cost_ms < FLUSH_MS) return;
    const fits = this.#portion * (FLUSH_MS / Math.max(cost_ms, 0.5));
    const wanted = Math.max(SMALLEST, fits, this.#portion / 2);
    this.#portion = Math.round(Math.min(LARGEST, wanted, this.#portion * 2));
  }
}
