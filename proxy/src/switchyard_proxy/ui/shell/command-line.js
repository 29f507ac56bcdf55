// The line at the foot of the page. While nothing is typed it shows what runs here; above it, what was said.

import { effect, html, signal, useEffect } from "../html.js";
import { t } from "../i18n/index.js";
import { route } from "../routes.js";
import { facts, machines, models } from "../store/live.js";
import { factsInWords } from "./boot-line.js";
import { CommandBox } from "./command-box.js";
import { Keys } from "./keys.js";

const field = { current: null };
const said = signal("");
let before = null;

/** Says something above the command line, as a terminal does. Words already in the reader's language. */
export function say(text) {
  said.value = text;
}

/** Puts the caret there; Esc gives it back. False where the line is not shown. */
export function focusLine() {
  if (!field.current?.offsetParent) return false;
  if (document.activeElement !== field.current) before = document.activeElement;
  field.current.focus();
  return true;
}

const keepField = (element) => { field.current = element; };

/** What was said belongs to what was seen then. */
const quieten = () => effect(() => { if (route.value) say(""); });

export function CommandLine() {
  useEffect(quieten, []);
  const done = () => { say(""); giveBack(); };
  return html`
    <p class=${said.value ? "command-said" : "aside-screen"} role="status">${said.value}</p>
    <div class="command-line">
      <span class="command-sign" aria-hidden="true">:</span>
      <${CommandBox} label=${t("shell.command_line")} placeholder=${rest() || t("shell.command_placeholder")}
        inputRef=${keepField} onDone=${done} onFault=${fault} />
      <span class="command-hints" aria-hidden="true">
        <span><${Keys} keys=":" /> ${t("shell.hint.line")}</span>
        <span><${Keys} keys="Ctrl+K" /> ${t("shell.hint.palette")}</span>
        <span><${Keys} keys="?" /> ${t("shell.hint.help")}</span>
      </span>
    </div>`;
}

/** Nothing is typed: then the line says what runs here. */
const rest = () => factsInWords(facts.value, machines.value, models.value).join(" · ");

function fault(text) {
  if (text || said.peek()) say(text);
}

function giveBack() {
  const to = before?.isConnected && before !== document.body ? before : document.getElementById("main");
  before = null;
  to.focus({ preventScroll: true });
}
