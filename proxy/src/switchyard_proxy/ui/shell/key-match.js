// Which key was struck, on any layout, and whether it is the one a table asks for. Values only.

const US = {
  Backquote: "`~", Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|",
  Semicolon: ";:", Quote: "'\"", Comma: ",<", Period: ".>", Slash: "/?", Space: "  ",
};
const DIGITS = ")!@#$%^&*(";
const isPrintable = (key) => [...key].length === 1;
const isAscii = (key) => /^[\x20-\x7e]$/.test(key);

/** The character that a US keyboard has at this place; "" for places without one. */
function usCharacter(code, isShifted) {
  const letter = /^Key([A-Z])$/.exec(code);
  if (letter) return isShifted ? letter[1] : letter[1].toLowerCase();
  const digit = /^Digit(\d)$/.exec(code);
  if (digit) return isShifted ? DIGITS[digit[1]] : digit[1];
  return US[code]?.[isShifted ? 1 : 0] ?? "";
}

/**
 * @param {KeyboardEvent} event
 * @returns {{key: string, ctrl: boolean, alt: boolean, shift: boolean, slash: boolean} | null} null while a
 *   word is being composed, and for a modifier by itself
 */
export function strokeOf(event) {
  if (event.isComposing || event.keyCode === 229) return null;
  if (["Control", "Shift", "Alt", "Meta", "AltGraph", "CapsLock"].includes(event.key)) return null;
  // Some layouts type [ or / with AltGr, which reads as Ctrl and Alt together.
  const isTyped = event.getModifierState?.("AltGraph") ?? false;
  const named = !isPrintable(event.key) && !["Dead", "Unidentified", "Process"].includes(event.key);
  const key = named || isAscii(event.key) ? event.key : usCharacter(event.code, event.shiftKey);
  return {
    key: key === " " ? "Space" : key.length === 1 ? key.toLowerCase() : key,
    ctrl: (event.ctrlKey || event.metaKey) && !isTyped,
    alt: event.altKey && !isTyped,
    shift: event.shiftKey,
    slash: event.code === "Slash",
  };
}

/** `Ctrl+Shift+Z` in parts. Ctrl stands for ⌘, too. A symbol says by itself whether it needs Shift. */
export function parseStroke(text) {
  const parts = text === "+" ? ["+"] : text.split(/\+(?=.)/);
  const key = parts.pop();
  return {
    key: key.length === 1 ? key.toLowerCase() : key,
    ctrl: parts.includes("Ctrl"),
    alt: parts.includes("Alt"),
    shift: parts.includes("Shift"),
  };
}

/** `g c` is two strokes, one after the other. */
export const parseKeys = (text) => text.split(" ").map(parseStroke);

export function isStroke(wanted, stroke) {
  if (wanted.ctrl !== stroke.ctrl || wanted.alt !== stroke.alt) return false;
  // On a Russian layout the key beside the right Shift types a full stop; its label still shows a slash.
  const isElsewhere = stroke.slash && !"/?".includes(stroke.key);
  if (isElsewhere && wanted.key === (stroke.shift ? "?" : "/")) return true;
  return wanted.key === stroke.key && (isSymbol(wanted.key) || wanted.shift === stroke.shift);
}

const isSymbol = (key) => key.length === 1 && !/[a-z0-9]/.test(key);

/** Whether a stroke is one that typing a text would use. Such a one never acts inside a text field. */
export const isTyping = ({ key, ctrl }) => !ctrl && key !== "Escape" && !/^F\d+$/.test(key);

/** A key that types a character, alone: what the setting for single keys switches off. */
export const isSingle = ({ key, ctrl, alt }) => key.length === 1 && !ctrl && !alt;

const FACES = {
  ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→",
  Escape: "Esc", PageUp: "PgUp", PageDown: "PgDn",
};

/** How a table's keys are shown: each stroke as the caps that one strikes. */
export function capsOf(text, isMac = false) {
  return text.split(" ").map((stroke) => {
    const { key, ctrl, alt, shift } = parseStroke(stroke);
    const [mod, option, up] = isMac ? ["⌘", "⌥", "⇧"] : ["Ctrl", "Alt", "Shift"];
    const face = FACES[key] ?? (key.length === 1 && (ctrl || shift) ? key.toUpperCase() : key);
    return [...[ctrl && mod, alt && option, shift && up].filter(Boolean), face];
  });
}
