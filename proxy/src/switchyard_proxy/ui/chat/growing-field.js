// A text field that grows with its text up to what its look allows. Pasting much is handed to whoever owns
// it.

import { html, useLayoutEffect, useRef } from "../html.js";

const GROWS_BY_ITSELF = globalThis.CSS?.supports("field-sizing", "content") ?? false;

/**
 * @param {{value: string, onText: (text: string) => void, field?: {current: HTMLTextAreaElement | null}} &
 *   object} props the rest goes to the field
 */
export function GrowingField({ value, onText, field, ...rest }) {
  const own = useRef(null);
  const ref = field ?? own;
  useLayoutEffect(() => {
    if (!GROWS_BY_ITSELF) fit(ref.current);
  }, [value]);
  return html`<textarea
    ...${rest}
    class=${`growing ${rest.class ?? ""}`}
    ref=${ref}
    rows="1"
    value=${value}
    onInput=${(event) => onText(event.target.value)}
  ></textarea>`;
}

function fit(element) {
  element.style.height = "auto";
  element.style.height = `${element.scrollHeight + element.offsetHeight - element.clientHeight}px`;
}

/**
 * Puts text where the cursor is, as if it had been typed: so that the browser's own undo knows of it.
 * @param {HTMLTextAreaElement} element
 * @param {string} text
 */
export function typeInto(element, text) {
  element.focus();
  if (document.execCommand?.("insertText", false, text)) return;
  element.setRangeText(text, element.selectionStart, element.selectionEnd, "end");
  element.dispatchEvent(new InputEvent("input", { bubbles: true }));
}
