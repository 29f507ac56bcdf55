// Puts the focus into a composer's field, which comes only when its draft was read from the store.

const LOOK_EVERY_MS = 30;
const LOOKS = 60;

/** Whether nothing has the focus: what had it is gone. */
export const isLost = () => !document.activeElement || document.activeElement === document.body;

/**
 * @param {HTMLElement} box around the field
 * @param {() => boolean} mayTake whether the focus may be taken now
 * @returns {() => void} gives it up
 */
export function focusField(box, mayTake = () => true) {
  let timer = null;
  const seek = (left) => {
    if (!mayTake()) return;
    const field = box.querySelector("textarea");
    if (field) field.focus();
    else if (left) timer = setTimeout(seek, LOOK_EVERY_MS, left - 1);
  };
  seek(LOOKS);
  return () => clearTimeout(timer);
}
