// Keeps a scrolled box at its end for as long as the reader wants that. It hears the reader's hands, and what
// grows; its own scrolling, and the page's, never change what the reader wanted.

import { isText } from "../shell/keys.js";
import { advance, FOLLOWING, keyEvent } from "./follow.js";

const BY_HAND_MS = 1_500; // a flick of the finger goes on for about so long
const AT_END_PX = 4;

export class Follower {
  #state = FOLLOWING;
  #handAt = -Infinity;
  #touchY = 0;
  #hooks = new AbortController();

  /**
   * @param {HTMLElement} box what scrolls
   * @param {HTMLElement} inside what grows in it
   * @param {(state: {follows: boolean, unseen: number}) => void} onState
   */
  constructor(box, inside, onState) {
    this.box = box;
    this.onState = onState;
    this.watcher = new ResizeObserver(() => this.#keep());
    this.watcher.observe(inside);
    this.watcher.observe(box);
    const on = (name, hear, options = {}) =>
      box.addEventListener(name, hear, { passive: true, signal: this.#hooks.signal, ...options });
    on("wheel", (event) => this.#hand(event.deltaY < 0));
    on("touchstart", (event) => {
      this.#touchY = event.touches[0].clientY;
    });
    on("touchmove", (event) => this.#touch(event.touches[0].clientY));
    on("pointerdown", (event) => this.#press(event));
    on("keydown", (event) => this.#key(event));
    on("focusin", (event) => this.#focused(event.target));
    on("scroll", () => this.#scrolled());
  }

  end() {
    this.#hooks.abort();
    this.watcher.disconnect();
  }

  /** @param {"left"|"reached"|"asked"|"came"|"opened"} event */
  tell(event) {
    const next = advance(this.#state, event);
    if (next !== this.#state) this.onState(next);
    this.#state = next;
    this.#keep();
  }

  #keep() {
    if (this.#state.follows) this.box.scrollTop = this.box.scrollHeight;
  }

  get #canScroll() {
    return this.box.scrollHeight > this.box.clientHeight + AT_END_PX;
  }

  #hand(isUp) {
    this.#handAt = performance.now();
    if (isUp && this.#canScroll) this.tell("left");
  }

  #touch(y) {
    if (Math.abs(y - this.#touchY) < 4) return;
    this.#hand(y > this.#touchY);
    this.#touchY = y;
  }

  /** The scrollbar is beyond what the box has inside. */
  #press(event) {
    if (event.target === this.box && event.offsetX >= this.box.clientWidth) this.#hand(true);
  }

  #key(event) {
    const means = isText(event.target) ? null : keyEvent(event);
    this.#handAt = performance.now();
    if (means === "left" && this.#canScroll) this.tell("left");
    if (means === "asked") this.tell("asked");
  }

  /** Whoever goes to an earlier message by keys, or changes it, is there and not at the end. */
  #focused(target) {
    const message = target.closest("article");
    if (!message || !target.matches(":focus-visible") || !this.#canScroll) return;
    if (message.matches(":not(:last-of-type)")) this.tell("left");
  }

  #scrolled() {
    if (this.#state.follows || performance.now() - this.#handAt > BY_HAND_MS) return;
    const { scrollHeight, scrollTop, clientHeight } = this.box;
    if (scrollHeight - scrollTop - clientHeight < AT_END_PX) this.tell("reached");
  }
}
