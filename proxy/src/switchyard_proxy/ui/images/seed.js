// The seed: a number, kept or drawn anew for each order.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { change } from "./draft.js";
import { Field } from "./fields.js";
import { newSeed } from "./wish.js";

/** @param {{seed: number|null, locked: boolean, fault: string|null}} props */
export function Seed({ seed, locked, fault }) {
  const type = (event) => {
    const { value } = event.target;
    change({ seed: value === "" ? null : Number(value), locked: value !== "" });
  };
  return html`<div class="field">
    <${Field} label=${t("images.seed")} fault=${fault} field=${(ties) => html`<span class="images-seed">
      <input ...${ties} class="input" name="seed" inputmode="numeric" autocomplete="off" spellcheck=${false}
        placeholder=${t("images.seed.random")} value=${seed ?? ""} onInput=${type} />
      <button type="button" class="button-icon" aria-label=${t("images.seed.roll")}
        title=${t("images.seed.roll")}
        onClick=${() => change({ seed: newSeed(), locked: true })}>↻</button>
    </span>`} />
    <label class="check small" title=${t(locked ? "images.seed.kept" : "images.seed.new")}>
      <input type="checkbox" name="locked" checked=${locked}
        onChange=${(event) => change({ locked: event.target.checked })} />${t("images.seed.lock")}</label>
  </div>`;
}
