// What a key means in the composer. Pure: it gets the facts of the moment and names an action, or null for
// none.

/**
 * @param {KeyboardEvent} event
 * @param {{text: string, enterSends: boolean, canEditLast: boolean, canLeave: boolean, isBlocks?: boolean}}
 *   now
 * @returns {"send" | "newline" | "editLast" | "leave" | null} `newline`: the browser's own way is right
 */
export function actionOf(event, { text, enterSends, canEditLast, canLeave, isBlocks = false }) {
  if (event.isComposing || event.keyCode === 229) return null;
  if (event.key === "Enter") return enterAction(event, enterSends && !isBlocks, isBlocks);
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
  if (event.key === "ArrowUp" && isPlain && !text && canEditLast) return "editLast";
  return event.key === "Escape" && isPlain && canLeave ? "leave" : null;
}

function enterAction({ shiftKey, ctrlKey, metaKey, altKey }, enterSends, isBlocks) {
  if (ctrlKey || metaKey) return "send";
  if (altKey || (isBlocks && shiftKey)) return "newline";
  return Boolean(shiftKey) === enterSends ? "newline" : "send";
}

/**
 * What stands behind a lone slash: the start of the name of something to add, or null where none is meant.
 * @param {string} text of the block
 */
export const slashWord = (text) => /^\/(\p{L}*)$/u.exec(text)?.[1].toLowerCase() ?? null;
