// Short notes at the edge of the screen, with a way back where there is one. They go by themselves, unless
// one is looked at; what must not be missed belongs into the view.

import { html, render, signal, useEffect, useRef } from "../html.js";
import { t } from "../i18n/index.js";

const GLYPHS = { ok: "✓", info: "i", warn: "!", err: "✕" };
const SHOWN = 4;
const toasts = signal([]);
let count = 0;

/**
 * @param {{text: string, kind?: "ok" | "info" | "warn" | "err", action?: {label: string, run: () => void},
 *   seconds?: number, onGone?: () => void}} note words already in the reader's language; `onGone` runs when
 *   the way back was not taken
 * @returns {() => void} closes it
 */
export function toast(note) {
  const one = { kind: "info", seconds: note.action || note.kind === "err" ? 10 : 5, ...note, id: ++count };
  const [first, ...rest] = toasts.peek();
  if (rest.length + 1 >= SHOWN) close(first);
  toasts.value = [...toasts.peek(), one];
  return () => close(one);
}

function close(one, isTaken = false) {
  if (!toasts.peek().includes(one)) return;
  toasts.value = toasts.peek().filter((other) => other !== one);
  if (!isTaken) one.onGone?.();
}

function Toast({ note }) {
  const timer = useRef(0);
  const start = () => { stop(); timer.current = setTimeout(() => close(note), note.seconds * 1000); };
  const stop = () => clearTimeout(timer.current);
  const act = () => { close(note, true); note.action.run(); };
  useEffect(() => { start(); return stop; }, []);
  return html`<div class=${`toast toast-${note.kind}`} role=${note.kind === "err" ? "alert" : "status"}
      onMouseEnter=${stop} onMouseLeave=${start} onFocusIn=${stop} onFocusOut=${start}>
    <span class="toast-glyph" aria-hidden="true">${GLYPHS[note.kind]}</span>
    <span class="toast-text">${note.text}</span>
    ${note.action && html`<button class="button-quiet" onClick=${act}>${note.action.label}</button>`}
    <button class="button-icon" aria-label=${t("shell.close")} onClick=${() => close(note)}>✕</button>
  </div>`;
}

const Toasts = () => toasts.value.map((note) => html`<${Toast} key=${note.id} note=${note} />`);

export function mountToasts() {
  render(html`<${Toasts} />`, document.getElementById("toasts"));
}
