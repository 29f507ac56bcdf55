// `?`: the keys that act here and now, read from the tables themselves, so that it can list no other.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { Args } from "./choices.js";
import { openDialog } from "./dialog.js";
import { Keys, tables } from "./keys.js";
import { table } from "./commands.js";

let isOpen = false;

export async function openHelp() {
  if (isOpen) return;
  isOpen = true;
  await openDialog(Help, { label: t("shell.help"), wide: true, shown: groupsOf(tables.peek()) });
  isOpen = false;
}

/** One group for each heading, what is nearest first; keys that do the same stand together. */
export function groupsOf(bound) {
  const groups = new Map();
  const heard = new Set();
  for (const { scope, title = "shell.keys.view", keys } of [...bound].reverse()) {
    if (scope === "dialog" || !keys.length) continue;
    const rows = groups.get(title) ?? groups.set(title, new Map()).get(title);
    // Of two that listen to a key the nearer one hears it.
    for (const key of keys.filter((one) => !heard.has(one.keys))) {
      rows.set(key.title, [...(rows.get(key.title) ?? []), key.keys]);
    }
    for (const key of keys) heard.add(key.keys);
  }
  return [...groups].map(([title, rows]) => (
    { title, rows: [...rows].map(([row, keys]) => ({ title: row, keys })) }));
}

const Help = ({ shown, close }) => html`<div class="dialog-body">
  <div class="view-head"><h2 class="dialog-title">${t("shell.help")}</h2>
    <button class="button-icon" autofocus aria-label=${t("shell.close")} onClick=${() => close()}>✕</button>
  </div>
  <div class="help-groups">
    ${shown.map(({ title, rows }) => html`<section class="panel">
      <h3 class="panel-title">${t(title)}</h3>
      <dl class="help-keys">${rows.map(({ title: row, keys }) => html`
        <div><dt>${keys.map((one) => html`<${Keys} keys=${one} /> `)}</dt><dd>${t(row)}</dd></div>`)}</dl>
    </section>`)}
    <section class="panel"><h3 class="panel-title">${t("shell.commands")}</h3>
      <dl class="help-keys help-commands">${table().map(({ name, title, args = [] }) => html`
        <div><dt>:${name}<${Args} args=${args} /></dt><dd>${t(title)}</dd></div>`)}</dl>
    </section>
  </div>
</div>`;
