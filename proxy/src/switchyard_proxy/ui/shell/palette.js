// Ctrl+K: every command and every key of this view in one list, found by a few letters.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { CommandBox } from "./command-box.js";
import { sources, table } from "./commands.js";
import { complete } from "./completion.js";
import { openDialog } from "./dialog.js";
import { ranked } from "./fuzzy.js";
import { tables } from "./keys.js";

const NAMED = 30;
let isOpen = false;

export async function openPalette() {
  if (isOpen) return;
  isOpen = true;
  const actions = actionsOf(tables.peek());
  await openDialog(Palette, { label: t("shell.palette"), look: "dialog-palette", actions });
  isOpen = false;
}

/** What the keys of the view do, as rows: an action has the title of its key, and runs as the key would. */
function actionsOf(bound) {
  return bound.filter(({ scope }) => scope === "view").flatMap(({ keys }) => keys)
    .map(({ keys, title, run }) => ({
      line: title, text: t(title), hint: keys, at: [], run: () => run(new Event("command")),
    }));
}

const Palette = ({ actions, close }) => html`<div class="palette">
  <h2 class="aside-screen">${t("shell.palette")}</h2>
  <${CommandBox} label=${t("shell.palette")} placeholder=${t("shell.palette_placeholder")} isAlwaysOpen
    inputRef=${focus} onDone=${() => close()} choicesOf=${(line) => choicesOf(line, actions)} />
</div>`;

const focus = (element) => element?.focus();

function choicesOf(line, actions) {
  const commands = complete(line, table(), sources);
  const wanted = line.trim();
  if (/\s/.test(line.trimStart()) && commands.length) return commands;
  const fitting = saying(wanted, actions, (action) => action.text).map(({ item, at }) => ({ ...item, at }));
  if (!wanted) return [...fitting, ...commands];
  return [...commands, ...fitting, ...byTitle(wanted, commands), ...byName(wanted, table(), sources)];
}

/** What can be done with a thing, by its name: `paper` finds `theme paper`. */
export function byName(wanted, commands, names) {
  const lines = commands.filter(({ args = [] }) => args.length === 1).flatMap(({ name, title, args }) => (
    (names[args[0]]?.() ?? []).map((one) => ({ line: `${name} ${one.name}`, name: one.name, title }))));
  const fitting = lines.filter((one) => one.name.toLowerCase().includes(wanted.toLowerCase()));
  return ranked(wanted, fitting, ({ line }) => line).slice(0, NAMED)
    .map(({ item: { line, title }, at }) => ({ line, text: line, title, at }));
}

/** Whole phrases fit by letters that stand together: scattered ones are in almost every phrase. */
const saying = (wanted, items, textOf) => ranked(
  wanted, items.filter((item) => textOf(item).toLowerCase().includes(wanted.toLowerCase())), textOf);

/** Commands that are found by what they do rather than by their name. */
function byTitle(wanted, found) {
  const others = table().filter((command) => !found.some((choice) => choice.command === command));
  return saying(wanted, others, (command) => t(command.title)).map(({ item }) => (
    { line: item.args?.length ? `${item.name} ` : item.name, text: item.name, at: [], command: item }));
}
