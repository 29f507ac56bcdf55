// Who hears a key: one listener, and tables of keys that come and go with what is shown. New ones hear first.

import { html, signal, useEffect, useRef } from "../html.js";
import { settings } from "../store/settings.js";
import { capsOf, isSingle, isStroke, isTyping, parseKeys, strokeOf } from "./key-match.js";

const PAUSE_MS = 1500;
const TEXT_KINDS = ["text", "search", "url", "tel", "email", "password", "number", "date", "time"];
const MOVES = /^(Arrow|Home$|End$|Page)/;
const PRESSABLE =
  "button, a[href], summary, [role=button], [role=option], [role=menuitem], [role=tab], input";

/**
 * What is bound now, newest last: the help page shows exactly this.
 * A key is `{keys: "g c", title: "models.key.next", run(event)}`; a `run` that returns false has not acted.
 * A table is `{scope, title?, keys}`.
 */
export const tables = signal([]);

/**
 * @param {{keys: string, title: string, run: (event: KeyboardEvent) => unknown}[]} keys
 * @param {{scope?: "app" | "view" | "dialog", title?: string}} [where] a dialog silences what is not its own;
 *   `title` is a heading in the help page
 * @returns {() => void} ends it
 */
export function bind(keys, { scope = "view", title } = {}) {
  const table = { scope, title, keys: keys.map((key) => ({ ...key, strokes: parseKeys(key.keys) })) };
  tables.value = [...tables.peek(), table];
  return () => { tables.value = tables.peek().filter((one) => one !== table); };
}

/** Binds while a component is shown. What `run` sees is what the component saw last. */
export function useKeys(keys, where) {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => bind(keys.map((key, index) => ({
    ...key, run: (event) => latest.current[index]?.run(event),
  })), where), [keys.map((key) => key.keys).join("\n")]);
}

let begun = [];
let begunAt = 0;

function heard(event) {
  const stroke = event.defaultPrevented ? null : strokeOf(event);
  if (!stroke) return;
  if (event.timeStamp - begunAt > PAUSE_MS) begun = [];
  const strokes = [...begun, stroke];
  begun = [];
  for (const key of candidates(stroke, event.target)) {
    const match = matchOf(key.strokes, strokes);
    if (match === "part") return wait(strokes, event);
    if (match === "whole" && key.run(event) !== false) return event.preventDefault();
  }
  if (strokes.length > 1) heard(event);
}

function wait(strokes, event) {
  begun = strokes;
  begunAt = event.timeStamp;
}

function matchOf(wanted, strokes) {
  if (strokes.length > wanted.length) return null;
  if (!strokes.every((stroke, at) => isStroke(wanted[at], stroke))) return null;
  return strokes.length === wanted.length ? "whole" : "part";
}

function candidates(stroke, target) {
  if (isTyping(stroke) && isText(target)) return [];
  // Esc closes what is topmost, and the browser closes lists that lie over the page.
  if (stroke.key === "Escape" && document.querySelector(":popover-open")) return [];
  if (["Enter", "Space"].includes(stroke.key) && !stroke.ctrl && target.closest?.(PRESSABLE)) return [];
  if (MOVES.test(stroke.key) && target.closest?.("input, audio, video")) return [];
  if (isSingle(stroke) && !settings.peek().singleKeys) return [];
  const isModal = document.querySelector("dialog:modal") !== null;
  return tables.peek().filter((table) => !isModal || table.scope === "dialog").reverse()
    .flatMap((table) => table.keys);
}

/** Whether letters struck here become text. */
export function isText(target) {
  if (target?.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target?.tagName)) return true;
  return target?.tagName === "INPUT" && TEXT_KINDS.includes(target.type);
}

export const listen = () => addEventListener("keydown", heard);

const isMac = /Mac|iP(hone|ad)/.test(globalThis.navigator?.platform ?? "");

/** A key as it is shown: `<kbd>` for each cap. */
export const Keys = ({ keys }) => html`<span class="keys">${capsOf(keys, isMac).map((caps) => html`
  <kbd class="kbd">${caps.join("+")}</kbd>`)}</span>`;
