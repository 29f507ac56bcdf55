// Settings: the key, the look, the keyboard, what a new chat begins with, and what this browser keeps.

import { html, useEffect } from "../html.js";
import { t } from "../i18n/index.js";
import { facts } from "../store/live.js";
import { DataPanel } from "./data.js";
import { DefaultsPanel } from "./defaults.js";
import { KeyPanel } from "./key.js";
import { KeysPanel, LookPanel } from "./look.js";

/** @param {{route: {path: string[]}}} props `#/settings/key` and the like lead to that part */
export default function Settings({ route }) {
  const [part] = route.path;
  useEffect(() => {
    if (part) document.getElementById(`settings-${part}`)?.scrollIntoView({ block: "start" });
  }, [part]);
  return html`<div class="view settings">
    <header class="view-head"><h1 class="view-title">${t("settings.title")}</h1>
      ${facts.value
        && html`<p class="dim small">${t("settings.version", { version: facts.value.version })}</p>`}
    </header>
    <div class="settings-panels">
      <div class="stack"><${KeyPanel} /><${LookPanel} /><${KeysPanel} /></div>
      <div class="stack"><${DefaultsPanel} /><${DataPanel} /></div>
    </div>
  </div>`;
}

export const keys = [];
