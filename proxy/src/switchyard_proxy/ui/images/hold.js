// A button that acts for as long as it is held, by pointer or by key.

import { html } from "../html.js";

/** @param {{isHeld: boolean, onHold: (isHeld: boolean) => void, text: string}} props */
export function HoldButton({ isHeld, onHold, text }) {
  const on = () => onHold(true);
  const off = () => onHold(false);
  const key = (act) => (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    act();
  };
  return html`<button class="button images-hold" aria-pressed=${isHeld} onPointerDown=${on} onPointerUp=${off}
    onPointerLeave=${off} onPointerCancel=${off} onKeyDown=${key(on)} onKeyUp=${key(off)} onBlur=${off}
    onContextMenu=${(event) => event.preventDefault()}>${text}</button>`;
}
