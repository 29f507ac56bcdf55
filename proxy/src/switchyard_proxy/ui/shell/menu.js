// A button that opens a short list of things to do.

import { html, useId, useRef, useState } from "../html.js";
import { Keys } from "./keys.js";

/**
 * @param {{label: string, text?: unknown, class?: string,
 *   items: ({text: string, run: () => void, keys?: string, danger?: boolean, disabled?: boolean} | null)[]}}
 *   props `label` names the button, `text` is what it shows; a null is a line between
 */
export function Menu({ label, text = "⋯", items, class: look = "button-icon" }) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef(null);
  const list = useRef(null);
  const id = useId();
  const shown = items.filter((item) => item !== undefined && item !== false);
  const toggled = (event) => {
    setOpen(event.newState === "open");
    if (event.newState !== "open") return;
    place(list.current, button.current);
    entries(list.current)[0]?.focus();
  };
  const close = () => { list.current.hidePopover(); button.current.focus(); };
  const run = (item) => { close(); item.run(); };
  return html`<button ref=${button} class=${look} aria-haspopup="menu" aria-expanded=${isOpen}
      aria-label=${label} title=${label} popovertarget=${id}
      onKeyDown=${(event) => openBy(event, list.current)}>${text}</button>
    <div ref=${list} id=${id} popover="auto" class="menu" role="menu" aria-label=${label} onToggle=${toggled}
        onKeyDown=${(event) => walk(event, list.current, close)}>
      ${isOpen && shown.map((item) => (item === null ? html`<hr class="menu-line" />` : html`
        <button role="menuitem" tabindex="-1" class=${item.danger ? "menu-item menu-danger" : "menu-item"}
          aria-disabled=${item.disabled ? "true" : undefined} onClick=${() => !item.disabled && run(item)}>
          <span>${item.text}</span>${item.keys && html`<${Keys} keys=${item.keys} />`}</button>`))}
    </div>`;
}

const entries = (list) => [...list.querySelectorAll("[role=menuitem]")];

function openBy(event, list) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  list.showPopover();
}

function walk(event, list, close) {
  const all = entries(list);
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (event.key === "Tab" || event.key === "Escape") close();
  if (to === undefined && event.key !== "Escape") return;
  event.preventDefault();
  event.stopPropagation();
  if (to !== undefined) all.at(to % all.length)?.focus();
}

/** Below its button and inside the window; above it where there is no room. */
function place(list, button) {
  const from = button.getBoundingClientRect();
  const { width, height } = list.getBoundingClientRect();
  const left = Math.max(8, Math.min(from.left, innerWidth - width - 8));
  const isBelow = from.bottom + height + 8 <= innerHeight || from.top < height;
  const top = isBelow ? from.bottom + 4 : from.top - height - 4;
  Object.assign(list.style, { left: `${left}px`, top: `${top}px` });
}
