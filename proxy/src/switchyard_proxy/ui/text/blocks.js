// Markdown cut into segments that can be drawn once and for all, while its text still comes. A fold over
// whole lines: where a segment ends depends on the text alone, never on how it was cut on its way. Pure;
// draws nothing.

import {
  closesFence, endsMath, fenceIn, indentOf, interrupts, isBlank, isDelimiterRow, isHeading, isQuote, isRule,
  isTableRow, isUnderline, isUndecided, itemIn, mathIn, mayCloseFence,
} from "./lines.js";

export const LONGEST = 4_000; // of a segment, so that drawing the last one anew never takes long
const CODE_INDENT = 4;
// Each row moves all of a table's columns. A longer one goes on under its head as the next.
const ROWS_OF_A_TABLE = 400;

/**
 * @typedef {object} Segment
 * @property {number} id
 * @property {"text" | "plain" | "fence" | "item" | "row"} kind `plain` is not read as Markdown at all
 * @property {string} raw of a fence: what is inside
 * @property {string} [info] of a fence
 * @property {{id: number, kind: string, start: number, isLoose: boolean, head: string}} [group] the list of
 *   an item, the table of a row
 */

export class Blocks {
  #line = ""; // that has not ended
  #fold = new Fold();

  /** @param {string} text @returns {Segment[]} those that have ended */
  push(text) {
    const closed = [];
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.#grow(text.slice(from, end), closed);
      this.#fold.line(this.#taken(), closed);
      from = end + 1;
    }
    this.#grow(text.slice(from), closed);
    return closed;
  }

  // A line may be endless; beyond the longest it is text, piece by piece.
  #grow(part, closed) {
    this.#line += part;
    while (this.#line.length > LONGEST && this.#fold.kind !== "fence") {
      const end = LONGEST - (isHighSurrogate(this.#line.charCodeAt(LONGEST - 1)) ? 1 : 0);
      this.#fold.piece(this.#line.slice(0, end), closed);
      this.#line = this.#line.slice(end);
    }
  }

  #taken() {
    const line = withoutReturn(this.#line);
    this.#line = "";
    return line;
  }

  /** What has not ended, as it looks if nothing more came. @returns {Segment[]} */
  preview() {
    const fold = this.#fold.copy();
    const segments = [];
    const line = withoutReturn(this.#line);
    if (line !== "" && !fold.holdsBack(line)) fold.line(line, segments);
    return fold.ended(segments);
  }

  /** @returns {Segment[]} all that had not ended */
  end() {
    const closed = [];
    if (this.#line !== "") this.#fold.line(this.#taken(), closed);
    return this.#fold.ended(closed);
  }
}

const withoutReturn = (line) => (line.endsWith("\r") ? line.slice(0, -1) : line);
const isHighSurrogate = (code) => code >= 0xd800 && code < 0xdc00;

/** The state between two lines. */
class Fold {
  kind = null; // of the segment that is open: null, text, quote, indented, math, fence, item, table
  raw = "";
  blanks = 0; // lines since the last one that was not blank
  isCut = false; // the line that comes is the rest of one that was cut
  fence = null;
  math = null;
  item = null; // {content, kind}
  group = null;
  rows = 0; // of the table that is open
  segments = 0;
  groups = 0;

  copy() {
    const copy = Object.assign(new Fold(), this);
    copy.group = this.group && { ...this.group };
    copy.fence = this.fence && { ...this.fence };
    return copy;
  }

  /** Part of a line that must not be shown yet, as it would look like something that it will not be. */
  holdsBack(part) {
    if (this.kind === "fence") return mayCloseFence(part, this.fence.mark);
    return !this.isCut && isUndecided(part);
  }

  line(line, closed) {
    if (this.isCut) this.#rest(line, closed);
    else if (this.kind === "fence") this.#inFence(line, closed);
    else if (this.kind === "math") this.#inMath(line, closed);
    else if (isBlank(line)) this.#blank(closed);
    else if (!this.#goesOn(line, closed)) this.#begin(line, closed);
    if (this.raw.length > LONGEST && this.kind !== "fence") this.#close(closed);
  }

  piece(text, closed) {
    this.#close(closed);
    this.#emit("plain", text, closed);
    this.isCut = true;
  }

  #rest(line, closed) {
    this.isCut = false;
    if (line !== "") this.#emit("plain", line, closed);
  }

  /** Adds the open segment to the closed ones and returns them. */
  ended(closed) {
    this.#close(closed);
    return closed;
  }

  #blank(closed) {
    if (this.kind === "item" || this.kind === "indented") this.blanks += 1;
    else this.#close(closed);
  }

  #inFence(line, closed) {
    const { mark, indent } = this.fence;
    if (closesFence(line, mark)) {
      this.#close(closed);
      return;
    }
    const inner = line.slice(Math.min(indent, line.length - line.trimStart().length));
    this.raw = this.fence.isEmpty ? inner : `${this.raw}\n${inner}`;
    this.fence.isEmpty = false;
  }

  // Mathematics has no blank lines: one that comes before its end says that it was none.
  #inMath(line, closed) {
    if (isBlank(line)) this.#close(closed);
    else {
      this.#add(line);
      if (endsMath(line, this.math, false)) this.#close(closed);
    }
  }

  #goesOn(line, closed) {
    switch (this.kind) {
      case "item": return this.#inList(line, closed);
      case "table": return this.#inTable(line, closed);
      case "indented": return this.#inIndented(line);
      case "text": return this.#inText(line, closed);
      case "quote": return this.#inQuote(line);
      default: return false;
    }
  }

  #inText(line, closed) {
    if (isUnderline(line)) {
      this.#add(line);
      this.#close(closed);
      return true;
    }
    if (isDelimiterRow(line) && this.#beginTable(line, closed)) return true;
    if (interrupts(line)) return false;
    this.#add(line);
    return true;
  }

  #inQuote(line) {
    if (!isQuote(line) && interrupts(line)) return false;
    this.#add(line);
    return true;
  }

  #inIndented(line) {
    if (indentOf(line) < CODE_INDENT) return false;
    this.raw += "\n".repeat(this.blanks);
    this.#add(line);
    return true;
  }

  #inTable(line, closed) {
    if (interrupts(line)) return false;
    if (this.rows === ROWS_OF_A_TABLE) this.#openTable(this.group.head, closed);
    this.rows += 1;
    this.#emit("row", line, closed);
    return true;
  }

  #inList(line, closed) {
    const { content, kind } = this.item;
    const indent = indentOf(line);
    const item = itemIn(line);
    if (this.item.fence) return this.#inItemsFence(line, indent, closed);
    if (indent >= content) return this.#addToItem(line);
    if (item && item.kind === kind && indent < CODE_INDENT) return this.#nextItem(line, item, closed);
    // Meant to be inside, though a blank or two too few.
    if (item && indent >= 2) return this.#addToItem(line);
    if (this.blanks > 0 || item || interrupts(line)) return false;
    return this.#addToItem(line);
  }

  #inItemsFence(line, indent, closed) {
    if (indent < this.item.content) {
      this.item = { ...this.item, fence: null };
      return this.#inList(line, closed);
    }
    if (closesFence(line.trimStart(), this.item.fence)) this.item = { ...this.item, fence: null };
    this.raw += "\n".repeat(this.blanks);
    this.#add(line);
    return true;
  }

  #addToItem(line) {
    if (this.blanks > 0) this.group.isLoose = true;
    this.raw += "\n".repeat(this.blanks);
    this.#add(line);
    this.item = { ...this.item, fence: fenceIn(line.trimStart())?.mark ?? null };
    return true;
  }

  #nextItem(line, item, closed) {
    const isLoose = this.group.isLoose || this.blanks > 0;
    const group = { ...this.group, isLoose };
    this.#close(closed);
    this.#openItem(line, item, group);
    return true;
  }

  #openItem(line, item, group) {
    this.#open("item", line);
    this.group = group;
    this.item = { content: item.content, kind: item.kind, fence: fenceIn(item.text)?.mark ?? null };
  }

  #begin(line, closed) {
    this.#close(closed);
    const fence = fenceIn(line);
    const math = mathIn(line);
    const item = itemIn(line);
    if (indentOf(line) >= CODE_INDENT) this.#open("indented", line);
    else if (fence) this.#beginFence(fence);
    else if (isHeading(line) || isRule(line)) this.#emit("text", line, closed);
    else if (math) this.#beginMath(line, math, closed);
    else if (item) this.#openItem(line, item, this.#newGroup({ kind: item.kind, start: item.start }));
    else this.#open(isQuote(line) ? "quote" : "text", line);
  }

  #beginFence(fence) {
    this.#open("fence", "");
    this.fence = { ...fence, isEmpty: true };
  }

  #beginMath(line, math, closed) {
    this.#open("math", line);
    this.math = math;
    if (endsMath(line, math, true)) this.#close(closed);
  }

  // The line before was the table's head, and what was before that a paragraph.
  #beginTable(line, closed) {
    const lines = this.raw.split("\n");
    const head = lines.pop();
    if (!isTableRow(head) || cellsIn(head) !== cellsIn(line)) return false;
    this.raw = lines.join("\n");
    if (lines.length) this.#close(closed);
    this.#openTable(`${head}\n${line}`, closed);
    return true;
  }

  #openTable(head, closed) {
    this.#open("table", "");
    this.group = this.#newGroup({ kind: "table", start: 0, head });
    this.rows = 0;
    this.#emit("row", "", closed); // the head itself
  }

  #newGroup(what) {
    this.groups += 1;
    return { id: this.groups, isLoose: false, head: "", ...what };
  }

  #open(kind, raw) {
    this.kind = kind;
    this.raw = raw;
    this.blanks = 0;
  }

  #add(line) {
    this.raw += `\n${line}`;
    this.blanks = 0;
  }

  #close(closed) {
    const { kind, raw, fence } = this;
    if (kind === "fence") this.#emit("fence", raw, closed, { info: fence.info });
    else if (kind === "item") this.#emit("item", raw, closed);
    else if (kind !== null && kind !== "table") this.#emit("text", raw, closed);
    this.kind = null;
    this.raw = "";
    this.blanks = 0;
    this.group = null;
    this.item = null;
  }

  #emit(kind, raw, closed, more) {
    this.segments += 1;
    const group = kind === "item" || kind === "row" ? { group: { ...this.group } } : null;
    closed.push({ id: this.segments, kind, raw, ...group, ...more });
  }
}

const cellsIn = (row) => row.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/).length;
