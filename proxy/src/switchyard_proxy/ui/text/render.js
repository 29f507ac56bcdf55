// Tokens of Markdown as nodes of the document. Only text and elements made here: no HTML is ever parsed, and
// nothing that a model says becomes an attribute but a link's checked address and a formula's source.

import { codeBlock } from "./code.js";
import { decoded } from "./entities.js";
import { safeAddress, safePicture } from "./links.js";
import { mathElement } from "./math.js";

const HEADING_BELOW = 2; // the page and the view have the first two
const TEXT = 3;

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Text at the end of `parent`; two pieces in a row are one node, however the tokens were cut. */
function say(parent, text) {
  if (text === "") return;
  if (parent.lastChild?.nodeType === TEXT) parent.lastChild.appendData(text);
  else parent.append(document.createTextNode(text));
}

/** @param {Node} parent @param {object[]} tokens @param {{inLink?: boolean}} [where] */
export function render(parent, tokens = [], where = {}) {
  for (const token of tokens) (DRAW[token.type] ?? asText)(parent, token, where);
}

const asText = (parent, token) => say(parent, token.raw ?? token.text ?? "");
const nothing = () => {};
const around = (name, className) => (parent, token, where) => {
  const made = element(name, className);
  render(made, token.tokens, where);
  parent.append(made);
};

const DRAW = {
  space: nothing,
  def: nothing,
  escape: (parent, token) => say(parent, token.text),
  text: (parent, token, where) => (
    token.tokens ? render(parent, token.tokens, where) : say(parent, decoded(token.text))
  ),
  paragraph: around("p"),
  blockquote: around("blockquote"),
  strong: around("strong"),
  em: around("em"),
  del: around("del"),
  br: (parent) => parent.append(element("br")),
  hr: (parent) => parent.append(element("hr")),
  codespan: (parent, token) => parent.append(element("code", "code-inline", token.text)),
  checkbox: (parent, token) => parent.append(element("span", "task", token.checked ? "[x]" : "[ ]"), " "),
  code: (parent, token) => parent.append(codeBlock(token.text, token.lang).element),
  math: (parent, token) => parent.append(mathElement(token.tex, token.isBlock)),
  mathBlock: (parent, token) => parent.append(mathElement(token.tex, true)),
  heading(parent, token, where) {
    around(`h${Math.min(6, token.depth + HEADING_BELOW)}`, `heading-${token.depth}`)(parent, token, where);
  },
  list(parent, token, where) {
    const list = listElement(token.ordered, token.start, token.loose);
    for (const item of token.items) list.append(itemElement(item, where));
    parent.append(list);
  },
  table(parent, token) {
    const { element: made, body } = tableElement(token);
    for (const row of token.rows) body.append(rowElement(row, "td"));
    parent.append(made);
  },
  link(parent, token, where) {
    const address = where.inLink ? null : safeAddress(token.href);
    if (address === null) say(parent, token.raw);
    else render(parent.appendChild(linkTo(address)), token.tokens, { ...where, inLink: true });
  },
  image(parent, token, where) {
    const address = safePicture(token.href);
    if (address === null) say(parent, token.raw);
    else if (where.inLink) say(parent, decoded(token.text) || address);
    else {
      const link = parent.appendChild(linkTo(address));
      link.className = "picture-link";
      say(link, decoded(token.text) || address);
    }
  },
};

function linkTo(address) {
  const link = element("a");
  for (const [name, value] of Object.entries({
    href: address, target: "_blank", rel: "noopener noreferrer nofollow", title: address,
  })) link.setAttribute(name, value);
  return link;
}

export function listElement(isOrdered, start, isLoose) {
  const list = element(isOrdered ? "ol" : "ul", isLoose ? "loose" : "");
  if (isOrdered && start !== 1) list.setAttribute("start", String(start));
  return list;
}

/** An item of a list; what a reader sees as one thought is not a paragraph of its own. */
export function itemElement(item, where = {}) {
  const isTask = item.task === true;
  const made = element("li", isTask ? "has-task" : "");
  const paragraphs = item.tokens.filter((token) => token.type === "paragraph");
  for (const token of item.tokens) {
    if (paragraphs.length === 1 && token === paragraphs[0]) render(made, token.tokens, where);
    else render(made, [token], where);
  }
  return made;
}

/** @returns {{element: Element, body: Element}} `body` is where the rows go */
export function tableElement(token) {
  const body = element("tbody");
  const table = element("table", "", element("thead", "", rowElement(token.header, "th")), body);
  const scroll = element("div", "table-scroll", table);
  scroll.tabIndex = 0; // a keyboard can scroll it
  return { element: scroll, body };
}

export function rowElement(cells, name) {
  const row = element("tr");
  for (const cell of cells) {
    const made = element(name, cell.align ? `at-${cell.align}` : "");
    if (name === "th") made.setAttribute("scope", "col");
    render(made, cell.tokens);
    row.append(made);
  }
  return row;
}
