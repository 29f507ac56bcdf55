// What most orders leave to the model: negative prompt, steps, guidance, adapters, schedule, strength, file
// format.

import { html, useState } from "../html.js";
import { number, t } from "../i18n/index.js";
import { whyNot } from "./abilities.js";
import { change } from "./draft.js";
import { Field, NumberField, SelectField } from "./fields.js";
import { MOST_STEPS } from "./wish.js";

const BACKGROUNDS = ["auto", "opaque", "transparent"];
const FOLDED = ["negative", "steps", "guidance", "sigmas", "strength", "format", "compression"];
const FORMATS = ["png", "webp", "jpeg"];

/**
 * @param {{now: import("./wish.js").Wish, can: import("./abilities.js").Abilities, fault: (field: string) =>
 *   string|null}} props
 */
export function Advanced({ now, can, fault }) {
  const set = countOf(now);
  const isWrong = FOLDED.some(fault);
  const [isOpen, setOpen] = useState(set > 0);
  return html`<details class="images-advanced" open=${isOpen || isWrong}
      onToggle=${(event) => setOpen(event.target.open)}>
    <summary>${t("images.advanced")}${set > 0 && html`
      <span class="badge">${t("images.advanced.set", { n: set })}</span>`}</summary>
    <div class="images-advanced-body">
      <${Negative} now=${now} fault=${fault("negative")} />
      <div class="images-pair">
        <${NumberField} name="steps" label=${t("images.steps")} value=${now.steps}
          min=${can.steps?.least ?? 1}
          max=${MOST_STEPS} usual=${usual(can.steps?.default)}
          why=${reason(can, "steps", { n: can.steps?.default ?? 0 })}
          fault=${fault("steps")} onValue=${(steps) => change({ steps })} />
        <${NumberField} name="guidance" label=${t("images.guidance")} value=${now.guidance} min=${0}
          max=${100}
          step=${0.1} usual=${usual(can.guidance)} fault=${fault("guidance")}
          onValue=${(guidance) => change({ guidance })} />
      </div>
      <${Loras} chosen=${now.loras} can=${can} />
      <${Field} label=${t("images.sigmas")} hint=${t("images.sigmas.hint")} fault=${fault("sigmas")}
        field=${(ties) => html`
        <input ...${ties} class="input" name="sigmas" inputmode="decimal" autocomplete="off"
          placeholder="1 0.75 0.5 0.25"
          value=${now.sigmas} onInput=${(event) => change({ sigmas: event.target.value })} />`} />
      <${NumberField} name="strength" label=${t("images.strength")} value=${now.strength} min=${0} max=${1}
        step=${0.05}
        usual=${t("images.usual")} hint=${t("images.strength.hint")} fault=${fault("strength")}
        why=${now.mode === "draw" ? t("images.why.strength-edits") : null}
        onValue=${(strength) => change({ strength })} />
      <${Output} now=${now} can=${can} fault=${fault} />
    </div>
  </details>`;
}

const usual = (value) => (value === null || value === undefined ? t("images.usual") : number(value));
const reason = (can, what, values) => {
  const why = whyNot(can, what);
  return why && t(`images.why.${why}`, values);
};

function countOf({ negative, steps, guidance, loras, sigmas, strength, background, format, mode }) {
  const set = [
    negative.trim(), steps !== null, guidance !== null, loras.length, sigmas.trim(),
    mode === "edit" && strength !== null, background !== "auto", format !== "png",
  ];
  return set.filter(Boolean).length;
}

const GUIDED = 4;

function Negative({ now, fault }) {
  const help = fault && html`<button type="button" class="button-quiet"
    onClick=${() => change({ guidance: GUIDED })}>
    ${t("images.negative.guide", { n: GUIDED })}</button>`;
  return html`<div class="field"><${Field} label=${t("images.negative")} fault=${fault}
    field=${(ties) => html`
    <textarea ...${ties} class="textarea" name="negative" rows="2" value=${now.negative}
      onInput=${(event) => change({ negative: event.target.value })} />`} />${help}</div>`;
}

function Loras({ chosen, can }) {
  const why = reason(can, "lora");
  const set = (name, scale) => change({
    loras: [...chosen.filter((one) => one.name !== name), ...(scale === null ? [] : [{ name, scale }])],
  });
  return html`<fieldset class="field"><legend class="field-label">${t("images.lora")}</legend>
    ${why && html`<span class="field-hint"><span aria-hidden="true">⊘ </span>${why}</span>`}
    ${!why && can.loras.map((name) => {
      const one = chosen.find((each) => each.name === name);
      return html`<div class="images-lora" key=${name}>
        <label class="check"><input type="checkbox" checked=${Boolean(one)}
          onChange=${(event) => set(name, event.target.checked ? 1 : null)} /><span
            class="wrap">${name}</span></label>
        ${one && html`<input class="input" type="number" step="any" min="-10" max="10" value=${one.scale}
          aria-label=${t("images.lora.scale", { name })}
          onInput=${(event) => set(name, Number(event.target.value) || 0)} />`}
      </div>`;
    })}
  </fieldset>`;
}

function Output({ now, can, fault }) {
  const clear = whyNot(can, "transparent");
  const backgrounds = BACKGROUNDS.filter((one) => one !== "transparent" || !clear || now.background === one);
  return html`<div class="images-pair">
    <${SelectField} name="background" label=${t("images.background")} value=${now.background}
      options=${backgrounds.map((one) => [one, t(`images.background.${one}`)])}
      hint=${clear && t(`images.why.${clear}`)} onValue=${(background) => change({ background })} />
    <${SelectField} name="format" label=${t("images.format")} value=${now.format} fault=${fault("format")}
      options=${FORMATS.map((one) => [one, one.toUpperCase()])} onValue=${(format) => change({ format })} />
    <${NumberField} name="compression" label=${t("images.compression")} value=${now.compression} min=${0}
      max=${100}
      usual="95" fault=${fault("compression")} why=${now.format === "png" ? t("images.why.png-whole") : null}
      onValue=${(compression) => change({ compression })} />
  </div>`;
}
