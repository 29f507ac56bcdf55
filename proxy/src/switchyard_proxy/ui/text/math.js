// Formulas: their source at once, as MathML when the library is there. What cannot be read as TeX stays its
// source.

import { later, lazily } from "./later.js";

const LONGEST = 4_000;
const OPTIONS = {
  output: "mathml", throwOnError: true, strict: "ignore", trust: false, maxExpand: 200, maxSize: 20,
};

const withKatex = lazily(async () => (await import("../vendor/katex/katex.js")).default);

/** @param {string} tex @param {boolean} isBlock on lines of its own */
export function mathElement(tex, isBlock) {
  const made = document.createElement("span");
  made.className = isBlock ? "math math-block" : "math";
  made.setAttribute("data-tex", tex);
  made.textContent = tex;
  if (isBlock) made.tabIndex = 0; // a keyboard can scroll it
  return made;
}

/** Draws the formula of such an element, once. */
export function drawMath(element) {
  const tex = element.getAttribute("data-tex");
  if (drawn.has(element) || tex.length > LONGEST) return;
  drawn.add(element);
  withKatex((katex) => later(() => draw(katex, element, tex)));
}

const drawn = new WeakSet();

function draw(katex, element, tex) {
  const displayMode = element.classList.contains("math-block");
  try {
    const drawing = document.createElement("span");
    katex.render(tex, drawing, { ...OPTIONS, displayMode });
    element.replaceChildren(...drawing.querySelectorAll("math"));
  } catch {
    element.classList.add("math-broken");
  }
}
