// Asks for a key where the proxy wants one and none fits. It keeps the key; what that may do, the proxy
// decides.

import { explain, request } from "../api.js";
import { effect, html, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { route } from "../routes.js";
import { facts, refreshFacts } from "../store/live.js";
import { change, settings } from "../store/settings.js";
import { openDialog } from "./dialog.js";

let isAsking = false;
let refused = null;

/** Whether nobody can do anything here without a key. */
export const needsKey = (known) => Boolean(known?.keys) && known.role === null;

/**
 * Asks by itself once for each key that does not fit: whoever says "later" is not asked at every
 * reconnection, and in the settings the key has its own place.
 */
export function watchAccess() {
  effect(() => {
    if (!needsKey(facts.value) || isAsking || refused === settings.value.key) return;
    if (route.value.view === "settings") return;
    refused = settings.value.key;
    askForKey();
  });
}

export async function askForKey() {
  isAsking = true;
  await openDialog(KeyPrompt, { label: t("shell.key.title"), hadOne: settings.peek().key !== "" });
  isAsking = false;
}

/** What a key may do: its role, or null. The key that is kept does not change. */
export async function roleOf(key) {
  return (await request("GET", "/api/ui", { headers: { Authorization: `Bearer ${key}` } })).role;
}

function KeyPrompt({ hadOne, close }) {
  const [key, setKey] = useState("");
  const [fault, setFault] = useState(hadOne ? t("shell.key.wrong") : "");
  const [isBusy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFault(await tryKey(key.trim(), close));
    setBusy(false);
  };
  return html`<form class="dialog-body" onSubmit=${send}>
    <h2 class="dialog-title">${t("shell.key.title")}</h2>
    <p class="dim">${t("shell.key.why")}</p>
    <label class="field"><span class="field-label">${t("shell.key.label")}</span>
      <input class="input" type="password" autocomplete="current-password" spellcheck=${false} autofocus
        required aria-invalid=${fault ? "true" : undefined} aria-describedby="key-fault" value=${key}
        onInput=${(event) => setKey(event.target.value)} />
      <span id="key-fault" role="alert" class=${fault ? "field-error" : "aside-screen"}>${fault}</span>
    </label>
    <p class="field-hint">${t("shell.key.where")}</p>
    <div class="dialog-buttons">
      <button type="button" class="button-quiet" onClick=${() => close()}>${t("shell.key.later")}</button>
      <button class="button button-primary" disabled=${isBusy || !key.trim()}>${t("shell.key.use")}</button>
    </div>
  </form>`;
}

async function tryKey(key, close) {
  try {
    if ((await roleOf(key)) === null) return t("shell.key.wrong");
    change({ key });
    await refreshFacts();
    close(true);
    return "";
  } catch (error) {
    return explain(error);
  }
}
