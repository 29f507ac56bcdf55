// What is Markdown here: GFM with line breaks and mathematics, and no HTML, which stays the text that it is.
// Pure.

import { Lexer, Marked } from "../vendor/marked/marked.js";

const DEFINITION = new RegExp(
  String.raw`^ {0,3}\[(?!\^)((?:\\.|[^[\]\\\n])+)\]:[ \t]*(?:<([^<>\n]*)>|([^<\s]\S*))`
    + String.raw`(?:[ \t]+(?:"([^"\n]*)"|'([^'\n]*)'|\(([^()\n]*)\)))?[ \t]*(?:\n+|$)`,
);
const DEEPEST = 40;
const NESTED = new RegExp(`^(?:[ \\t]*(?:>|(?:[-+*]|\\d{1,9}[.)])(?=[ \\t]))){${DEEPEST},}`, "m");
const CROWDED = 400; // marks in one segment: more are not stress, and take the square of their number to tell
const LONGEST_FORMULA = 2_000;
const DELIMITERS = [["\\(", "\\)", false], ["\\[", "\\]", true], ["$$", "$$", true], ["$", "$", false]];
const BLOCK_MATH = /^ {0,3}(?:\$\$|\\\[)/;

const mathInline = {
  name: "math",
  level: "inline",
  start: (src) => found(src.search(/\$|\\[([]/)),
  tokenizer: (src) => formulaAt(src, "math"),
};

const mathBlock = {
  name: "mathBlock",
  level: "block",
  start: (src) => found(src.search(/^ {0,3}(?:\$\$|\\\[)/m)),
  tokenizer(src) {
    const opening = BLOCK_MATH.exec(src)?.[0];
    if (opening === undefined) return undefined;
    const indent = opening.length - 2;
    const formula = formulaAt(src.slice(indent), "mathBlock");
    if (!formula) return undefined;
    const [rest] = /^[ \t]*(?:\n|$)/.exec(src.slice(indent + formula.raw.length)) ?? [null];
    if (rest === null) return undefined;
    return { ...formula, raw: src.slice(0, indent + formula.raw.length + rest.length) };
  },
};

/**
 * The formula with which this text begins. Looked for by hand: an expression would take ages over "$$$$$$…".
 */
function formulaAt(src, type) {
  for (const [open, close, isBlock] of DELIMITERS) {
    if (!src.startsWith(open)) continue;
    const end = close === "$" ? dollarIn(src) : src.slice(0, LONGEST_FORMULA).indexOf(close, open.length);
    const tex = src.slice(open.length, Math.max(end, 0));
    if (end < 0 || tex.trim() === "" || tex.includes("\n\n")) return undefined;
    return { type, raw: src.slice(0, end + close.length), tex: tex.trim(), isBlock };
  }
  return undefined;
}

// Money is no mathematics: no blank inside the signs, no figure behind them, all on one line.
function dollarIn(src) {
  for (let index = 1; index < Math.min(src.length, LONGEST_FORMULA) && src[index] !== "\n"; index += 1) {
    if (src[index] === "\\") index += 1;
    else if (src[index] === "$") {
      const isMoney = /\s/.test(src[1]) || /\s/.test(src[index - 1]) || /\d/.test(src[index + 1] ?? "");
      return isMoney ? -1 : index;
    }
  }
  return -1;
}

const found = (index) => (index < 0 ? undefined : index);

// One line each: what a definition is must not depend on what comes after it.
function definition(src) {
  const match = DEFINITION.exec(src);
  if (!match) return undefined;
  const [raw, label, pointed, plain, ...titles] = match;
  const tag = label.toLowerCase().replace(/\s+/g, " ");
  const title = titles.find((one) => one !== undefined);
  return { type: "def", tag, raw, href: pointed ?? plain, title };
}

const nothing = () => undefined;
const marked = new Marked({
  gfm: true,
  breaks: true,
  tokenizer: { html: nothing, tag: nothing, def: definition },
  extensions: [mathInline, mathBlock],
});

/**
 * @param {string} raw of one segment
 * @param {Record<string, {href: string, title?: string}>} links defined so far; those of this text are added
 */
export function tokensOf(raw, links) {
  if (NESTED.test(raw) || marksIn(raw) > CROWDED) return [plain(raw)];
  try {
    const lexer = new Lexer(marked.defaults);
    Object.assign(lexer.tokens.links, links);
    const tokens = lexer.lex(raw);
    for (const label of Object.keys(tokens.links)) links[label] ??= tokens.links[label];
    return tokens;
  } catch {
    return [plain(raw)]; // deeper than a stack
  }
}

function marksIn(raw) {
  let marks = 0;
  for (const sign of raw) if ("*_~[".includes(sign)) marks += 1;
  return marks;
}

/** Text that is not read at all. */
export const plain = (raw) => ({ type: "paragraph", tokens: [{ type: "escape", text: raw }] });
