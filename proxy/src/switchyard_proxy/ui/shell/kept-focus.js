// Whoever goes by keys never loses their place: where what had the focus leaves the page, its nearest
// neighbour that is left takes it. A pointer has its own place, and moves nothing here.

const TAKES_FOCUS = "a[href], button:not([disabled]), summary, [tabindex]";

export function keepFocus() {
  let trail = [];
  let isByKeys = false;
  let isDown = false; // a key that is held would press the neighbour, too
  const look = () => {
    if (isDown || !trail.length || document.activeElement !== document.body) return;
    const [lost] = trail[0];
    if (isByKeys && !lost.isConnected) nearest(trail)?.focus({ preventScroll: true });
    trail = [];
  };
  const up = () => { isDown = false; look(); };
  addEventListener("keydown", () => { isByKeys = isDown = true; }, true);
  addEventListener("keyup", up, true);
  addEventListener("blur", ({ target }) => target === window && up(), true);
  addEventListener("pointerdown", () => { isByKeys = false; }, true);
  addEventListener("focusin", ({ target }) => { trail = trailOf(target); });
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}

/** An element and those around it, up to the main part of the page, each with its neighbours. */
function trailOf(element) {
  const trail = [];
  for (let one = element; one && one.id !== "main"; one = one.parentElement) {
    trail.push([one, one.nextElementSibling, one.previousElementSibling]);
  }
  return trail;
}

/** What stood beside it, or beside what stood around it: never a field, where letters would become text. */
function nearest(trail) {
  for (const [one, ...beside] of trail) {
    const found = [one, ...beside].map(within).find(Boolean);
    if (found) return found;
  }
  return document.getElementById("main");
}

function within(element) {
  if (!element?.isConnected) return null;
  const all = [element, ...element.querySelectorAll(TAKES_FOCUS)];
  return all.find((one) => one.matches(TAKES_FOCUS) && one.checkVisibility()) ?? null;
}
