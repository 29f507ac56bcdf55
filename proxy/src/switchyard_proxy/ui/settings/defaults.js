// What a new chat begins with. Chats that there are keep their own.

import { html, useState } from "../html.js";
import { number, t } from "../i18n/index.js";
import { models } from "../store/live.js";
import { change, settings } from "../store/settings.js";
import { parse, SAMPLING } from "./sampling.js";

const CHATS = new Set(["text", "vision"]);

export function DefaultsPanel() {
  return html`<section class="panel stack" id="settings-defaults" aria-labelledby="settings-defaults-title">
    <h2 class="panel-title" id="settings-defaults-title">${t("settings.defaults")}</h2>
    <p class="dim">${t("settings.defaults_hint")}</p>
    <${Model} />
    <label class="field"><span class="field-label">${t("settings.system")}</span>
      <textarea class="textarea" rows="4" value=${settings.value.system}
        placeholder=${t("settings.system_example")}
        onInput=${(event) => change({ system: event.target.value })}></textarea></label>
    <div class="settings-sampling">
      ${Object.keys(SAMPLING).map((name) => html`<${Sample} key=${name} name=${name} />`)}</div>
  </section>`;
}

function Model() {
  const { model } = settings.value;
  const names = models.value.filter((one) => CHATS.has(one.type)).map((one) => one.name);
  // Also one that is away at the moment: it is still what was chosen.
  const all = [...new Set([...names, ...(model ? [model] : [])])].sort();
  return html`<label class="field"><span class="field-label">${t("settings.model")}</span>
    <select class="select" value=${model} onChange=${(event) => change({ model: event.target.value })}>
      <option value="" selected=${model === ""}>${t("settings.model_last")}</option>
      ${all.map((name) => html`
        <option key=${name} value=${name} selected=${name === model}>${name}</option>`)}
    </select></label>`;
}

function Sample({ name }) {
  const { least, most } = SAMPLING[name];
  const kept = settings.value.sampling[name];
  const [typed, setTyped] = useState(kept === null ? "" : String(kept));
  const { value, fault } = parse(name, typed);
  const id = `settings-${name}`;
  const write = (event) => {
    setTyped(event.target.value);
    const said = parse(name, event.target.value);
    if (!said.fault) change({ sampling: { [name]: said.value } });
  };
  const range = { least: number(least), most: number(most) };
  return html`<div class="field">
    <label class="field-label" for=${id}>${t(`settings.sampling.${name}`)}</label>
    <input class="input" id=${id} inputmode="decimal" autocomplete="off" value=${typed}
      placeholder=${t("settings.by_model")} aria-invalid=${fault ? "true" : "false"}
      aria-describedby=${`${id}-hint`} onInput=${write} />
    <span id=${`${id}-hint`} class=${fault ? "field-error" : "field-hint"} data-value=${value ?? ""}>
      ${fault ? t(`settings.fault.${fault}`, range) : t(`settings.sampling.${name}_hint`)}</span>
  </div>`;
}
