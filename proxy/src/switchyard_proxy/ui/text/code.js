// Blocks of code: name of the language, buttons, lines. They grow by appending; colours come once, when they
// are whole.

import { copyText } from "../shell/copy.js";
import { announce } from "../shell/announcer.js";
import { t } from "../i18n/index.js";
import { colour } from "./colours.js";
import { label } from "./labels.js";
import { later } from "./later.js";

// A part is laid out by itself, so that a line more costs no more at the ten-thousandth.
const PART_LINES = 100;
const COPIED_MS = 1_500;

/**
 * @param {string} text
 * @param {string} [info] what stands behind the fence; its first word is the language
 */
export function codeBlock(text, info = "") {
  const block = new CodeBlock();
  block.name(info);
  block.show(text);
  return block;
}

export class CodeBlock {
  element = document.createElement("figure");
  #code = document.createElement("code");
  #name = document.createElement("span");
  #part = null;
  #lines = 0; // of the last part
  #shown = "";

  constructor() {
    const head = document.createElement("figcaption");
    const body = document.createElement("pre");
    this.element.className = "code";
    head.className = "code-head";
    this.#name.className = "code-name";
    head.append(this.#name, button("text.wrap", wrap), button("text.copy", copy));
    body.tabIndex = 0; // a keyboard can scroll it
    body.append(this.#code);
    this.element.append(head, body);
  }

  name(info) {
    const language = info.trim().split(/[\s{,]/, 1)[0];
    if (language === this.#name.textContent && this.element.hasAttribute("data-language")) return;
    this.#name.textContent = language;
    this.element.setAttribute("data-language", language.toLowerCase());
  }

  goesOnAs(text) {
    return text.startsWith(this.#shown);
  }

  /** @param {string} text begins with what is shown already */
  show(text) {
    if (text.length === this.#shown.length) return;
    let from = this.#shown.length;
    while (from < text.length) from = this.#fill(text, from);
    this.#shown = text;
  }

  #fill(text, from) {
    if (this.#part === null || this.#lines === PART_LINES) this.#begin();
    let end = from;
    while (this.#lines < PART_LINES && end < text.length) {
      const next = text.indexOf("\n", end);
      end = next < 0 ? text.length : next + 1;
      if (next >= 0) this.#lines += 1;
    }
    this.#part.appendData(text.slice(from, end));
    return end;
  }

  #begin() {
    this.#part = document.createTextNode("");
    this.#lines = 0;
    const part = document.createElement("span");
    part.className = "code-part";
    part.append(this.#part);
    this.#code.append(part);
  }
}

function button(words, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "code-button";
  label(made, words);
  if (words === "text.wrap") made.setAttribute("aria-pressed", "false");
  made.addEventListener("click", press);
  return made;
}

const figureOf = (event) => event.currentTarget.closest("figure");

function wrap(event) {
  const isWrapped = figureOf(event).classList.toggle("wrapped");
  event.currentTarget.setAttribute("aria-pressed", String(isWrapped));
}

async function copy(event) {
  const pressed = event.currentTarget;
  const isCopied = await copyText(figureOf(event).querySelector("code").textContent);
  label(pressed, isCopied ? "text.copied" : "text.not_copied");
  announce(t(isCopied ? "text.copied" : "text.not_copied"));
  setTimeout(() => label(pressed, "text.copy"), COPIED_MS);
}

const coloured = new WeakSet();

/** Colours a block that is whole, when there is time. */
export function drawCode(figure) {
  if (coloured.has(figure)) return;
  coloured.add(figure);
  const code = figure.querySelector("code");
  colour(figure.getAttribute("data-language"), code, later, () => figure.setAttribute("data-coloured", ""));
}
