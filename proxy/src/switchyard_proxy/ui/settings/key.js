// The key with which this page asks. Kept in this browser only, and shown while somebody wants to see it.

import { request } from "../api.js";
import { html, useState } from "../html.js";
import { number, t } from "../i18n/index.js";
import { facts, refreshFacts } from "../store/live.js";
import { change, settings } from "../store/settings.js";

export function KeyPanel() {
  const kept = settings.value.key;
  const [typed, setTyped] = useState(kept);
  const [isShown, setShown] = useState(false);
  const [found, setFound] = useState(null);
  const test = async () => setFound(await tried(typed.trim()));
  const keep = async (event) => {
    event.preventDefault();
    change({ key: typed.trim() });
    refreshFacts();
    await test();
  };
  const forget = () => {
    change({ key: "" });
    setTyped("");
    setFound({ said: t("settings.key_forgotten"), tone: "ok" });
    refreshFacts();
  };
  return html`<section class="panel stack" id="settings-key" aria-labelledby="settings-key-title">
    <h2 class="panel-title" id="settings-key-title">${t("settings.key")}</h2>
    <p class="dim">${t(asksForKeys() ? "settings.key_wanted" : "settings.key_not_wanted")}</p>
    <form class="settings-key" onSubmit=${keep}>
      <label class="field"><span class="field-label">${t("settings.key_field")}</span>
        <input class="input" id="settings-key-field" type=${isShown ? "text" : "password"} value=${typed}
          autocomplete="off" autocapitalize="off" spellcheck=${false}
          onInput=${(event) => setTyped(event.target.value)} />
      </label>
      <div class="toolbar">
        <button class="button button-primary" disabled=${typed.trim() === kept}>
          ${t("settings.key_keep")}</button>
        <button type="button" class="button" onClick=${test}>${t("settings.key_test")}</button>
        <button type="button" class="button-quiet" aria-pressed=${isShown}
          onClick=${() => setShown(!isShown)}>${t("settings.key_show")}</button>
        ${kept && html`<button type="button" class="button-quiet" onClick=${forget}>
          ${t("settings.key_forget")}</button>`}
      </div>
    </form>
    <div class="settings-found" role="status">${found && html`<${Found} found=${found} />`}</div>
  </section>`;
}

// Unknown is taken for yes: whoever looks here has a reason to.
const asksForKeys = () => facts.value?.keys ?? true;

/** Asks with the typed key, kept or not. */
async function tried(key) {
  try {
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    return { tone: "ok", mine: await request("GET", "/api/keys/me", { headers }) };
  } catch (error) {
    return { tone: "err", said: error.message };
  }
}

function Found({ found: { tone, said, mine } }) {
  if (!mine) return html`<p class=${`notice notice-${tone}`}>${said}</p>`;
  const limits = Object.entries(mine.limits ?? {}).filter(([, limit]) => limit !== null);
  return html`<div class="notice notice-ok">
    <p><span class="tone-ok">✓</span> ${t("settings.key_is", { name: mine.name })}</p>
    <ul class="dim small">
      <li>${t(`settings.role.${mine.role}`)}</li>
      ${mine.models?.length > 0 && html`
        <li class="wrap">${t("settings.key_models", { names: mine.models.join(", ") })}</li>`}
      ${limits.map(([name, limit]) => html`
        <li key=${name}>${t(`settings.limit.${name}`, { n: number(limit) })}</li>`)}
    </ul></div>`;
}
