// The menu behind "/" in an empty block: a list to choose from while the focus stays in the text.

import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { announce } from "../shell/announcer.js";
import { slashWord } from "./composer-keys.js";

const GAP = 4; // pixels between the field and the menu

/**
 * @param {string} text of the block
 * @param {{id: string, title: string, hint?: string, run: () => void}[]} choices
 * @returns {{isOpen: boolean, onKeyDown: (event: KeyboardEvent) => boolean, fieldProps: object, menu:
 *   unknown}} `onKeyDown` tells whether the key was the menu's
 */
export function useSlashMenu(text, choices) {
  const [at, setAt] = useState(0);
  const [closedAt, setClosedAt] = useState(null); // the text for which it was closed
  const id = useId();
  const word = slashWord(text);
  const fitting = word === null ? [] : choices.filter((each) => isMeant(each, word));
  const isOpen = fitting.length > 0 && closedAt !== text;
  useEffect(() => {
    setAt(0);
    if (word === null) setClosedAt(null);
  }, [word]);
  const chosen = Math.min(at, fitting.length - 1);
  const acts = {
    ArrowDown: () => setAt((chosen + 1) % fitting.length),
    ArrowUp: () => setAt((chosen + fitting.length - 1) % fitting.length),
    Enter: () => fitting[chosen].run(),
    Tab: () => fitting[chosen].run(),
    Escape: () => setClosedAt(text),
  };
  const onKeyDown = (event) => {
    if (!isOpen || event.isComposing || event.keyCode === 229 || !acts[event.key]) return false;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
    return true;
  };
  // The field stays a field of several lines for those who listen; that a list opened is said once.
  useEffect(() => {
    if (isOpen) announce(t("media.add.open", { n: fitting.length }));
  }, [isOpen]);
  const fieldProps = {
    "aria-autocomplete": "list",
    "aria-controls": isOpen ? id : undefined,
    "aria-activedescendant": isOpen ? `${id}-${chosen}` : undefined,
  };
  return { isOpen, onKeyDown, fieldProps, menu: isOpen && html`<${List} ...${{ id, fitting, chosen }} />` };
}

/** By its name in the page's language or in English. */
const isMeant = ({ id, title }, word) => title.toLowerCase().startsWith(word) || id.startsWith(word);

function List({ id, fitting, chosen }) {
  const list = useRef(null);
  useLayoutEffect(() => {
    const [menu, field] = [list.current, list.current.parentElement];
    const follow = () => place(menu, field);
    menu.showPopover();
    follow();
    addEventListener("scroll", follow, { capture: true, passive: true });
    addEventListener("resize", follow);
    return () => {
      removeEventListener("scroll", follow, { capture: true });
      removeEventListener("resize", follow);
    };
  }, []);
  const shared = { ref: list, id, "aria-label": t("media.add") };
  return html`<ul ...${shared} class="slash-menu" role="listbox" popover="manual">
    ${fitting.map(
      ({ title, hint, run }, at) => html`<li
        role="option"
        id=${`${id}-${at}`}
        aria-selected=${String(at === chosen)}
        onMouseDown=${(event) => event.preventDefault()}
        onClick=${run}
      >
        <b>/${title}</b> <span>${hint}</span>
      </li>`,
    )}
  </ul>`;
}

/** Above the field, or below it where there is more room: over everything, as the blocks scroll. */
function place(menu, field) {
  const { left, top, bottom } = field.getBoundingClientRect();
  const isAbove = top >= innerHeight - bottom;
  menu.style.insetInlineStart = `${left}px`;
  menu.style.insetBlock = isAbove ? `auto ${innerHeight - top + GAP}px` : `${bottom + GAP}px auto`;
}
