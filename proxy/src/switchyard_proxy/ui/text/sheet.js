// Segments of a text as nodes in an element: those that have ended for good, those that have not until they
// change. The same for a reply that comes and for one that is read again, so that both look the same.

import { CodeBlock, drawCode } from "./code.js";
import { bodyOf, groupElement, nodesOf, setLoose } from "./drawing.js";
import { drawMath } from "./math.js";
import { morphRow } from "./morph.js";

const ELEMENT = 1;
const NAMES_LABEL = /\[[^\]]/;

/**
 * @typedef {{segment: import("./blocks.js").Segment, isFinal: boolean, nodes: Node[]}} Slot
 * @typedef {{group: object | null, slots: Slot[]}} Row what is one after the other in the root: a group, or
 *   one slot
 */
export class Sheet {
  #root;
  #links = {}; // by label, from all that has ended
  #mentions = []; // what has ended and may name a label that is defined later
  #group = null; // the list or table that may go on: {group, element}
  #inGroup = []; // its nodes that are not final
  #nodes = []; // of the root, those that are not final
  #fence = { id: 0, block: null }; // the block of code that grows
  #shown = "";

  /** @param {Element | DocumentFragment} root whose children are the sheet's alone */
  constructor(root) {
    this.#root = root;
  }

  /**
   * @param {import("./blocks.js").Segment[]} ended
   * @param {import("./blocks.js").Segment[]} [open] how the rest looks now
   */
  update(ended, open = []) {
    const look = open.map(({ id, kind, raw, info }) => `${id} ${kind} ${info} ${raw}`).join("\n");
    if (ended.length === 0 && look === this.#shown) return;
    this.#shown = look;
    const known = Object.keys(this.#links).length;
    const slots = [
      ...ended.map((one) => this.#slot(one, true)),
      ...open.map((one) => this.#slot(one, false)),
    ];
    const isBeyond = ({ segment }) => segment.group?.id !== this.#group?.group.id;
    const goesOn = this.#group ? slots.findIndex(isBeyond) : 0;
    const split = goesOn < 0 ? slots.length : goesOn;
    if (this.#group) this.#continue(slots.slice(0, split), slots[split]?.isFinal === true);
    this.#add(rowsOf(slots.slice(split)));
    const labels = Object.keys(this.#links);
    if (labels.length > known) this.#resolve(labels.slice(known));
  }

  #slot(segment, isFinal) {
    const links = isFinal ? this.#links : { ...this.#links };
    const nodes = segment.kind === "fence" ? [this.#grown(segment)] : nodesOf(segment, links);
    return { segment, isFinal, nodes };
  }

  #grown({ id, raw, info }) {
    const isSame = this.#fence.id === id && this.#fence.block.goesOnAs(raw);
    if (!isSame) this.#fence = { id, block: new CodeBlock() };
    this.#fence.block.name(info);
    this.#fence.block.show(raw);
    return this.#fence.block.element;
  }

  #continue(slots, isOver) {
    const { group, element } = this.#group;
    const stands = morphRow(bodyOf(group, element), this.#inGroup, slots.flatMap(({ nodes }) => nodes), null);
    this.#inGroup = stands.slice(this.#settle(slots, stands));
    setLoose(element, slots.at(-1)?.segment.group ?? group);
    this.#group.group = slots.findLast(({ isFinal }) => isFinal)?.segment.group ?? group;
    if (isOver) this.#group = null;
  }

  #add(rows) {
    const wanted = rows.flatMap((row) => (row.group ? [this.#whole(row)] : row.slots[0].nodes));
    const stands = morphRow(this.#root, this.#nodes, wanted, null);
    let final = 0;
    for (const { group, slots } of rows) {
      if (!slots[0].isFinal) break;
      this.#group = null;
      if (group) this.#begin(slots, stands[final]);
      else this.#settle(slots, stands.slice(final));
      final += group ? 1 : slots[0].nodes.length;
    }
    this.#nodes = stands.slice(final);
  }

  #whole({ group, slots }) {
    const element = groupElement(group, this.#links);
    bodyOf(group, element).append(...slots.flatMap(({ nodes }) => nodes));
    return element;
  }

  #begin(slots, element) {
    const { group } = slots.findLast(({ isFinal }) => isFinal).segment;
    const stands = [...bodyOf(group, element).childNodes];
    this.#group = { group, element };
    this.#inGroup = stands.slice(this.#settle(slots, stands));
  }

  /**
   * What has ended is drawn to its end, and remembered where it may change once more.
   * @returns {number} its nodes
   */
  #settle(slots, stands) {
    let count = 0;
    for (const { segment, isFinal, nodes: { length } } of slots) {
      if (!isFinal) break;
      const nodes = stands.slice(count, count + length);
      nodes.forEach(finish);
      if (segment.kind !== "fence" && NAMES_LABEL.test(segment.raw)) this.#mentions.push({ segment, nodes });
      count += length;
    }
    return count;
  }

  // A definition counts for what stands before it, too.
  #resolve(labels) {
    const marks = labels.map((label) => `[${label}]`);
    for (const mention of this.#mentions) {
      const text = mention.segment.raw.toLowerCase();
      if (!marks.some((mark) => text.includes(mark))) continue;
      const { nodes } = mention;
      if (nodes.length === 0) continue;
      const wanted = nodesOf(mention.segment, this.#links);
      mention.nodes = morphRow(nodes[0].parentNode, nodes, wanted, nodes.at(-1).nextSibling);
      mention.nodes.forEach(finish);
    }
  }
}

function rowsOf(slots) {
  const rows = [];
  for (const slot of slots) {
    const { group = null } = slot.segment;
    if (group && rows.at(-1)?.group?.id === group.id) {
      rows.at(-1).slots.push(slot);
      rows.at(-1).group = group;
    } else rows.push({ group, slots: [slot] });
  }
  return rows;
}

function finish(node) {
  if (node.nodeType !== ELEMENT) return;
  if (node.hasAttribute("data-tex")) drawMath(node);
  else if (node.hasAttribute("data-language")) drawCode(node);
  else for (const child of node.childNodes) finish(child);
}
