// Windows over the page, one upon another. The browser traps the focus; it is given back to where it was.

import { html, render, useState } from "../html.js";
import { t } from "../i18n/index.js";

/**
 * @param {Function} component gets `props` and `close(value)`; it shows a heading of class `dialog-title`
 * @param {{label?: string, wide?: boolean, look?: string} & object} [props] `label` names the window for
 *   those who listen; `look` is a class of its own
 * @returns {Promise<any>} what `close` was given; undefined where it was left by Esc or a click beside it
 */
export function openDialog(component, props = {}) {
  const before = document.activeElement;
  const dialog = document.createElement("dialog");
  dialog.className = ["dialog", props.wide && "dialog-wide", props.look].filter(Boolean).join(" ");
  if (props.label) dialog.setAttribute("aria-label", props.label);
  let result;
  const close = (value) => { result = value; dialog.close(); };
  dialog.addEventListener("click", (event) => { if (event.target === dialog) close(undefined); });
  document.body.append(dialog);
  render(html`<${component} ...${props} close=${close} />`, dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      render(null, dialog);
      dialog.remove();
      // The browser has given the focus back already, and whoever closed the window may have moved it on.
      if (document.activeElement === document.body && before?.isConnected) {
        before.focus({ preventScroll: true });
      }
      resolve(result);
    });
  });
}

/**
 * A question with two answers. Only for what cannot be undone.
 * @param {{title: string, text?: string, yes: string, danger?: boolean}} asked words as they are read
 * @returns {Promise<boolean>}
 */
export async function confirm(asked) {
  return (await openDialog(Question, { ...asked, label: asked.title })) === true;
}

function Question({ title, text, yes, danger, close }) {
  return html`<div class="dialog-body">
    <h2 class="dialog-title">${title}</h2>
    ${text && html`<p>${text}</p>`}
    <div class="dialog-buttons">
      <button class="button-quiet" autofocus onClick=${() => close(false)}>${t("shell.cancel")}</button>
      <button class=${danger ? "button button-danger" : "button"} onClick=${() => close(true)}>${yes}</button>
    </div>
  </div>`;
}

/**
 * A question for one line of text.
 * @param {{title: string, label: string, value?: string, yes: string}} asked
 * @returns {Promise<string | undefined>} undefined where nothing was said
 */
export const prompt = (asked) => openDialog(Line, { ...asked, field: asked.label, label: asked.title });

function Line({ title, field, value = "", yes, close }) {
  const [text, setText] = useState(value);
  const send = (event) => { event.preventDefault(); close(text.trim() || undefined); };
  return html`<form class="dialog-body" onSubmit=${send}>
    <h2 class="dialog-title">${title}</h2>
    <label class="field"><span class="field-label">${field}</span>
      <input class="input" autofocus value=${text} onInput=${(event) => setText(event.target.value)} />
    </label>
    <div class="dialog-buttons">
      <button type="button" class="button-quiet" onClick=${() => close()}>${t("shell.cancel")}</button>
      <button class="button">${yes}</button>
    </div>
  </form>`;
}
