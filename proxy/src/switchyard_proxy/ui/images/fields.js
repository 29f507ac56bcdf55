// The small parts of a form: a label, a field, a hint, and what is wrong. They hold nothing.

import { html, useId } from "../html.js";
import { t } from "../i18n/index.js";

/** Words for a fault, or null. */
export const told = (fault) => (fault ? t(`images.fault.${fault.key}`, fault.values) : null);

/**
 * @param {{label: string, hint?: unknown, fault?: string|null, why?: string|null, field: (ids: object) =>
 *   unknown}} props
 *   `why` tells why it is of no use with this model; `field` gets what the field needs to be tied to its
 *   words
 */
export function Field({ label, hint, fault, why, field }) {
  const id = useId();
  const note = why ?? fault ?? hint;
  const ties = {
    id, disabled: Boolean(why), "aria-invalid": fault && !why ? "true" : undefined,
    "aria-describedby": note ? `${id}-note` : undefined,
  };
  return html`<div class="field">
    <label class="field-label" for=${id}>${label}</label>
    ${field(ties)}
    ${note && html`<span id=${`${id}-note`} class=${fault && !why ? "field-error" : "field-hint"}>
      ${why && html`<span aria-hidden="true">⊘ </span>`}${note}</span>`}
  </div>`;
}

/**
 * A number that may be left to the model: empty is null.
 * @param {{label: string, value: number|null, onValue: (value: number|null) => void, min?: number, max?:
 *   number,
 *   step?: number, usual?: string, name: string, hint?: unknown, fault?: string|null, why?: string|null}}
 *   props
 */
export const NumberField = ({ value, onValue, min, max, step = 1, usual = "", name, ...rest }) => html`
  <${Field} ...${rest} field=${(ties) => html`
    <input ...${ties} class="input" type="number" inputmode=${step === 1 ? "numeric" : "decimal"} name=${name}
      min=${min} max=${max} step=${step === 1 ? 1 : "any"} placeholder=${usual} value=${value ?? ""}
      onInput=${(event) => onValue(numberIn(event.target))} />`} />`;

// What is no number is told to be wrong rather than taken for nothing.
function numberIn(input) {
  if (input.validity.badInput) return NaN;
  return input.value === "" ? null : Number(input.value);
}

/**
 * @param {{label: string, value: string, options: [string, string][], onValue: (value: string) => void}}
 *   props
 */
export const SelectField = ({ value, options, onValue, name, ...rest }) => html`
  <${Field} ...${rest} field=${(ties) => html`
    <select ...${ties} class="select" name=${name} value=${value}
      onChange=${(event) => onValue(event.target.value)}>
      ${options.map(([key, text]) => html`
        <option key=${key} value=${key} selected=${key === value}>${text}</option>`)}
    </select>`} />`;

/**
 * A row of choices of which one holds.
 * @param {{legend: string, name: string, value: string, options: object[]}} props
 */
export const Segmented = ({ legend, name, value, options, onValue }) => html`
  <fieldset class="segmented images-segmented"><legend class="aside-screen">${legend}</legend>
    ${options.map((one) => html`<label key=${one.value}>
      <input type="radio" name=${name} value=${one.value} checked=${one.value === value}
        onChange=${() => onValue(one.value)} />${one.text}</label>`)}
  </fieldset>`;
