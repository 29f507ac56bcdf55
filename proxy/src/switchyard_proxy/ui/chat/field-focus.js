// Puts the focus into a composer's field, which comes only when its draft was read from the store.

/** Whether nothing that acts has the focus: what had it is gone, or the view has just been entered. */
export function isLost() {
  return [null, document.body, document.getElementById("main")].includes(document.activeElement);
}

/**
 * @param {HTMLElement} box around the field
 * @param {() => boolean} mayTake whether the focus may be taken now
 * @returns {() => void} gives it up
 */
export function focusField(box, mayTake = () => true) {
  const watcher = new MutationObserver(seek);
  const giveUp = () => watcher.disconnect();
  function seek() {
    const field = box.querySelector("textarea");
    if (mayTake()) field?.focus();
    if (field || !mayTake()) giveUp();
  }
  watcher.observe(box, { childList: true, subtree: true });
  seek();
  return giveUp;
}
