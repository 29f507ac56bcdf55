// One segment as nodes, and the list or table around it. Places nothing in the document.

import { codeBlock } from "./code.js";
import { plain, tokensOf } from "./grammar.js";
import { element, itemElement, listElement, render, rowElement, tableElement } from "./render.js";

const UNORDERED = ["-", "+", "*"];

/**
 * @param {import("./blocks.js").Segment} segment
 * @param {object} links by label; those that the segment defines are added
 * @returns {Node[]}
 */
export function nodesOf(segment, links) {
  const { kind, raw, info, group } = segment;
  switch (kind) {
    case "fence": return [codeBlock(raw, info).element];
    case "plain": return [element("p", "plain", raw)];
    case "item": return [item(tokensOf(raw, links))];
    case "row": return raw === "" ? [] : row(tokensOf(`${group.head}\n${raw}`, links), raw);
    default: return rendered(tokensOf(raw, links));
  }
}

function rendered(tokens) {
  const holder = element("div");
  render(holder, tokens);
  return [...holder.childNodes];
}

// What a reader sees inside an item is inside it, though by the letter of the grammar it may have ended
// before.
function item([list, ...others]) {
  if (list?.type !== "list") return element("li", "", ...rendered([list, ...others]));
  const [first, ...rest] = list.items;
  const made = itemElement(first);
  if (rest.length) render(made, [{ ...list, items: rest }]);
  render(made, others);
  return made;
}

function row(tokens, raw) {
  const table = tokens.find(({ type }) => type === "table");
  return table?.rows.length ? table.rows.map((cells) => rowElement(cells, "td")) : rendered([plain(raw)]);
}

/** @returns {Element} what stands in the document for a whole group */
export function groupElement(group, links) {
  if (group.kind !== "table") return listElement(!UNORDERED.includes(group.kind), group.start, group.isLoose);
  const table = tokensOf(group.head, links).find(({ type }) => type === "table");
  return tableElement(table ?? { header: [], rows: [] }).element;
}

/** Where the nodes of a group's segments stand. */
export const bodyOf = (group, made) => (group.kind === "table" ? made.firstChild.lastChild : made);

/** A list with blank lines between its items breathes more. */
export function setLoose(made, group) {
  if (group.kind !== "table") made.classList.toggle("loose", group.isLoose);
}
