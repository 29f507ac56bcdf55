// One field of the form for an entry, as its kind asks for, with its text and what is wrong with it.

import { html, useId } from "../html.js";
import { has, t } from "../i18n/index.js";

/** What can be typed is kept as typed; reading it is the business of schema.js. */
export function FormField({ field, value, problem, onInput, isGuarded = false }) {
  const id = useId();
  const described = [`${id}-hint`, problem ? `${id}-problem` : ""].filter(Boolean).join(" ");
  const attributes = {
    id, "aria-describedby": described, "aria-invalid": problem ? "true" : undefined, "data-field": field.name,
  };
  return html`<div class="field models-field">
    <label class="field-label" for=${id}>${field.name}</label>
    <${Control} field=${field} value=${value} onInput=${onInput} attributes=${attributes} />
    ${problem && html`<span class="field-error" id=${`${id}-problem`}>${problemText(problem)}</span>`}
    <span class="field-hint" id=${`${id}-hint`}
        lang=${isTranslated(field) ? undefined : "en"}>${hintOf(field)}
      ${isGuarded && html` <span class="tone-warn">${t("models.form.guarded")}</span>`}</span>
  </div>`;
}

function Control({ field, value, onInput, attributes }) {
  const typed = (event) => onInput(event.target.value);
  switch (field.kind) {
    case "choice":
      return html`<${Choice} options=${field.options} value=${value} typed=${typed} attributes=${attributes}
          field=${field} />`;
    case "flag":
      return html`<${Choice} options=${["true", "false"]} value=${value} typed=${typed}
          attributes=${attributes} field=${field} />`;
    case "choices":
      return html`<${Choices} field=${field} value=${value} onInput=${onInput} attributes=${attributes} />`;
    case "texts":
    case "json":
      return html`<textarea class="textarea" rows=${field.kind === "json" ? 3 : 2} spellcheck=${false}
          value=${value}
        onInput=${typed} ...${attributes}></textarea>`;
    default:
      return html`<input class="input" value=${value} onInput=${typed} spellcheck=${false} autocomplete="off"
        inputmode=${{ integer: "numeric", number: "decimal" }[field.kind]} placeholder=${defaultOf(field)}
        ...${attributes} />`;
  }
}

function Choice({ field, options, value, typed, attributes }) {
  const byDefault = defaultOf(field);
  const unset = byDefault ? t("models.form.default", { value: byDefault }) : t("models.form.unset");
  return html`<select class="select" value=${value} onChange=${typed} ...${attributes}>
    <option value="">${unset}</option>
    ${options.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
  </select>`;
}

function Choices({ field, value, onInput, attributes }) {
  const without = (one) => value.filter((other) => other !== one);
  const turn = (one) => onInput(value.includes(one) ? without(one) : [...value, one]);
  return html`<div class="toolbar" role="group" ...${attributes}>
    ${field.options.map((one) => html`<label key=${one} class="check">
      <input type="checkbox" checked=${value.includes(one)} onChange=${() => turn(one)} />${one}</label>`)}
  </div>`;
}

const isPlain = (value) => value !== null && value !== undefined && typeof value !== "object";
const defaultOf = ({ byDefault }) => (isPlain(byDefault) ? String(byDefault) : "");

const isTranslated = (field) => has(`models.hint.${field.name}`);
const hintOf = (field) => (isTranslated(field) ? t(`models.hint.${field.name}`) : field.description);

/** What is wrong: by the page's own rule, or as the manager said it. */
export function problemText({ key, values, message }) {
  return message ? html`<span lang="en">${message}</span>` : t(`models.problem.${key}`, values);
}
