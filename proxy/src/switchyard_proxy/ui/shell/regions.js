// F6: from one part of the page to the next. A part says that it is one by `data-region`.

const FOCUSABLE = [
  "a[href]", "button:not(:disabled)", "input:not(:disabled)", "select", "textarea",
  "[tabindex]:not([tabindex='-1'])",
].join();

/** @param {1 | -1} by */
export function stepRegion(by) {
  const regions = [...document.querySelectorAll("[data-region]")].filter((region) => entrance(region));
  if (!regions.length) return;
  const here = regions.findLastIndex((region) => region.contains(document.activeElement));
  const next = here < 0 ? (by > 0 ? 0 : regions.length - 1) : (here + by + regions.length) % regions.length;
  entrance(regions[next]).focus();
}

/** What was last in focus there, or the first thing that can be; the region itself if it takes the focus. */
function entrance(region) {
  const inside = [...region.querySelectorAll(FOCUSABLE)].filter((element) => (
    element.checkVisibility() && element.closest("[data-region]") === region));
  const current = inside.find((element) => element.matches("[aria-current], [aria-selected='true']"));
  return current ?? inside[0] ?? (region.hasAttribute("tabindex") ? region : null);
}
