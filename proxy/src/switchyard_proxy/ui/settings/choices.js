// Fields that several panels share: one of few, and a thing that is on or off.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { change, settings } from "../store/settings.js";

/**
 * One of few, all of them seen.
 * @param {{name: string, options: [string, string][]}} props name of the setting
 */
export function OneOf({ name, options }) {
  const id = `settings-${name}`;
  return html`<div class="field">
    <span class="field-label" id=${id}>${t(`settings.${name}`)}</span>
    <div><div class="segmented" role="radiogroup" aria-labelledby=${id}>${options.map(([value, text]) => html`
      <label key=${value} lang=${name === "lang" && value !== "auto" ? value : undefined}>
        <input type="radio" name=${id} value=${value} checked=${settings.value[name] === value}
          onChange=${() => change({ [name]: value })} />${text}</label>`)}</div></div>
  </div>`;
}

/** @param {{name: string}} props name of a setting that is true or false */
export function OnOff({ name }) {
  const hint = `settings-${name}-hint`;
  return html`<div class="settings-onoff">
    <label class="check"><input type="checkbox" checked=${settings.value[name]} aria-describedby=${hint}
      onChange=${(event) => change({ [name]: event.target.checked })} />
      <span>${t(`settings.${name}`)}</span></label>
    <p class="field-hint" id=${hint}>${t(`settings.${name}_hint`)}</p>
  </div>`;
}
