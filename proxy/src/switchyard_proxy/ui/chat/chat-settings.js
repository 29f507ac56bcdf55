// The prompt and the sampling of one conversation, in a window. What is left empty is as the settings of the
// page say, and after them as the engine does it.

import { html, useState } from "../html.js";
import { number, t } from "../i18n/index.js";
import { openDialog } from "../shell/dialog.js";
import { settings } from "../store/settings.js";
import * as actions from "./actions.js";
import { SAMPLING } from "./request.js";

/** @param {object} record the conversation */
export async function openSettings(record) {
  const made = await openDialog(Form, { record, label: t("chat.settings") });
  if (made) await actions.adjust(made);
}

/** What a field says: a number within its bounds, null where it is empty; undefined: neither. Pure. */
export function readField({ min, max, step }, text) {
  const said = text.trim().replace(",", ".");
  if (said === "") return null;
  const value = Number(said);
  const isWhole = step < 1 || Number.isInteger(value);
  return Number.isFinite(value) && value >= min && value <= max && isWhole ? value : undefined;
}

function Form({ record, close }) {
  const [system, setSystem] = useState(record.system);
  const [texts, setTexts] = useState(() =>
    Object.fromEntries(SAMPLING.map(({ name }) => [name, String(record.sampling?.[name] ?? "")])),
  );
  const values = Object.fromEntries(
    SAMPLING.map((field) => [field.name, readField(field, texts[field.name])]),
  );
  const isRight = Object.values(values).every((value) => value !== undefined);
  const usual = settings.value;
  const save = (event) => {
    event.preventDefault();
    if (isRight) close({ system: system.trim(), sampling: values });
  };
  return html`<form class="dialog-body" onSubmit=${save}>
    <h2 class="dialog-title">${t("chat.settings")}</h2>
    <label class="field"><span class="field-label">${t("chat.system")}</span>
      <textarea class="textarea" rows="5" autofocus value=${system}
        placeholder=${usual.system || t("chat.system_hint")}
        onInput=${(event) => setSystem(event.target.value)} /></label>
    <div class="chat-sampling">${SAMPLING.map(
      (field) => html`<${Field} key=${field.name} field=${field}
      text=${texts[field.name]} isWrong=${values[field.name] === undefined}
      usual=${usual.sampling[field.name]}
      onText=${(text) => setTexts({ ...texts, [field.name]: text })} />`,
    )}</div>
    <div class="dialog-buttons">
      <button type="button" class="button-quiet" onClick=${() => close()}>${t("shell.cancel")}</button>
      <button class="button button-primary" disabled=${!isRight}>${t("chat.save")}</button>
    </div>
  </form>`;
}

const Field = ({ field, text, isWrong, usual, onText }) => html`<label class="field">
  <span class="field-label">${t(`chat.sampling.${field.name}`)}</span>
  <input class="input" inputmode="decimal" autocomplete="off" value=${text} aria-invalid=${isWrong}
    placeholder=${usual ?? t("chat.engines_choice")} onInput=${(event) => onText(event.target.value)} />
  ${isWrong && html`<span class="field-error">
    ${t("chat.between", { min: number(field.min), max: number(field.max) })}</span>`}
</label>`;
