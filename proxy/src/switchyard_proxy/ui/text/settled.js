// A text that is whole: the same nodes as it would have had, had it come piece by piece.

import { Blocks } from "./blocks.js";
import { breath } from "../breath.js";
import { Sheet } from "./sheet.js";

const PORTION = 4_000;
const SLICE_MS = 8;

/**
 * All of it at once: for texts that are short.
 * @param {string} text
 * @returns {DocumentFragment}
 */
export function renderMarkdown(text) {
  const fragment = document.createDocumentFragment();
  const blocks = new Blocks();
  new Sheet(fragment).update([...blocks.push(text), ...blocks.end()]);
  return fragment;
}

/**
 * The beginning at once, the rest in slices between which the page stays quick.
 * @param {Element} element what it held is gone
 * @param {string} text
 * @returns {{done: Promise<void>, stop: () => void}}
 */
export function fillMarkdown(element, text) {
  const filling = { isStopped: false };
  element.replaceChildren();
  element.classList.add("prose");
  return { done: fill(new Sheet(element), text, filling), stop: () => { filling.isStopped = true; } };
}

async function fill(sheet, text, filling) {
  const blocks = new Blocks();
  let begun = performance.now();
  for (let from = 0; from < text.length && !filling.isStopped; from += PORTION) {
    sheet.update(blocks.push(text.slice(from, from + PORTION)));
    if (performance.now() - begun < SLICE_MS) continue;
    await breath();
    begun = performance.now();
  }
  if (!filling.isStopped) sheet.update(blocks.end());
}
