// What one line of Markdown can begin. Pure, and never looks at another line.

const FENCE = /^( {0,3})(`{3,}|~{3,})(.*)$/;
const ITEM = /^( *)([-+*]|\d{1,9}[.)])(?:([ \t]+)(.*))?$/;
const HEADING = /^ {0,3}#{1,6}(?:[ \t]|$)/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}>/;
const MATH = /^ {0,3}(\$\$|\\\[)/;
const UNDERLINE = /^ {0,3}(?:=+|-+)[ \t]*$/;
const DELIMITERS = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const UNDECIDED = /^(?:[-+*=_>#|:~`$\s]*|\d{1,9}[.)]?|\\\[?)$/;
const TAB = 4;

export const isBlank = (line) => /^[ \t]*$/.test(line);
export const isHeading = (line) => HEADING.test(line);
export const isRule = (line) => RULE.test(line);
export const isQuote = (line) => QUOTE.test(line);
export const isUnderline = (line) => UNDERLINE.test(line);
export const isTableRow = (line) => line.includes("|");
export const isDelimiterRow = (line) => line.includes("-") && DELIMITERS.test(line);

/** Columns before the first sign. */
export function indentOf(line) {
  let columns = 0;
  for (const sign of line) {
    if (sign === " ") columns += 1;
    else if (sign === "\t") columns += TAB - (columns % TAB);
    else break;
  }
  return columns;
}

/** @returns {{indent: number, mark: string, info: string} | null} */
export function fenceIn(line) {
  const found = FENCE.exec(line);
  if (!found || (found[2][0] === "`" && found[3].includes("`"))) return null;
  return { indent: found[1].length, mark: found[2], info: found[3].trim() };
}

export function closesFence(line, mark) {
  const text = line.trim();
  return text.length >= mark.length && indentOf(line) < TAB && text === mark[0].repeat(text.length);
}

/** Part of a line that may still become the end of a fence. */
export const mayCloseFence = (line, mark) => {
  const text = line.trim();
  return indentOf(line) < TAB && text === mark[0].repeat(text.length);
};

/**
 * @returns {{indent: number, content: number, kind: string, start: number, isEmpty: boolean, text: string} |
 *   null} `kind` is what all items of one list share, `content` the column where the item's text begins
 */
export function itemIn(line) {
  const found = isRule(line) ? null : ITEM.exec(line);
  if (!found) return null;
  const [, before, mark, gap = " ", text = ""] = found;
  const isEmpty = isBlank(text);
  const width = isEmpty || indentOf(gap) > TAB ? 1 : indentOf(gap);
  const isOrdered = mark.length > 1;
  return {
    indent: before.length,
    content: before.length + mark.length + width,
    kind: isOrdered ? mark.at(-1) : mark,
    start: isOrdered ? Number.parseInt(mark, 10) : 0,
    isEmpty,
    text,
  };
}

export function mathIn(line) {
  const open = MATH.exec(line)?.[1];
  return open === undefined ? null : { open, close: open === "$$" ? "$$" : "\\]" };
}

/** Whether mathematics that began with this line, or before it, ends in it. */
export const endsMath = (line, { open, close }, isFirst) => (
  line.indexOf(close, isFirst ? line.indexOf(open) + open.length : 0) >= 0
);

/** Whether this line ends a paragraph without a blank line between. */
export function interrupts(line) {
  const item = itemIn(line);
  if (item && item.indent < TAB) return !item.isEmpty && item.start <= 1;
  return isHeading(line) || isRule(line) || isQuote(line) || fenceIn(line) !== null || mathIn(line) !== null;
}

/** The beginning of a line of which nobody can say yet what it will be. */
export const isUndecided = (part) => UNDECIDED.test(part.trim());
