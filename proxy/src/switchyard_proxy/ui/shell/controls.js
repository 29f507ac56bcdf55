// What can be pressed on the page now, by the name that is read: so a command can do what the pointer can.

const PRESSABLE = "button, a[href], summary, input, select, textarea, [role=tab]";
const FILLED = /^(TEXTAREA|SELECT)$/;
const CHOSEN = ["checkbox", "radio", "file"];
const LONGEST = 60;

/** Names that differ: of those that are the same, the second has a 2. */
export function distinct(names) {
  const many = new Map();
  return names.map((name) => {
    const n = (many.get(name) ?? 0) + 1;
    many.set(name, n);
    return n === 1 ? name : `${name} ${n}`;
  });
}

/** @returns {Map<string, HTMLElement>} in the page's order; nothing of a window, or of the command line */
export function controls() {
  const all = [...document.querySelectorAll(PRESSABLE)];
  const shown = all.filter((element) => isMeant(element) && nameOf(element));
  const names = distinct(shown.map(nameOf));
  return new Map(shown.map((element, at) => [names[at], element]));
}

const isMeant = (element) => element.closest("header, main") && element.checkVisibility()
  && !element.disabled && element.ariaDisabled !== "true";

function nameOf(element) {
  const said = element.ariaLabel || textOf(element.labels?.[0] ?? element) || element.placeholder || "";
  return said.replace(/\s+/g, " ").trim().slice(0, LONGEST).trim();
}

/** What is read of it: neither signs that are only seen, nor what stands in fields. */
function textOf(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.ariaHidden === "true" || FILLED.test(node.tagName)) return "";
  return [...node.childNodes].map(textOf).join(" ");
}

/** As the pointer would: a field gets the caret, everything else is pressed. */
export function press(element) {
  element.focus();
  const isField = FILLED.test(element.tagName)
    || (element.tagName === "INPUT" && !CHOSEN.includes(element.type));
  if (!isField) element.click();
}
