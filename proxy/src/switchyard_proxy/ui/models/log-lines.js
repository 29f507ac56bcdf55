// The last lines of a log as values: a ring of them, what joins after a break, what matches, how they fold.
// No network, no page.

export const MOST = 5_000;
const KNOWN_BY = 5; // so many lines in a row tell where a log goes on
const COLOURS = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;
const ERRORS = /\b(?:ERROR|CRITICAL|FATAL|Traceback)\b|\b\w+Error:/;
const WARNINGS = /\bWARN(?:ING)?\b/;

/**
 * @typedef {object} Line
 * @property {number} n counted from the first that was ever heard
 * @property {string} text
 * @property {number|null} at when it was heard, in seconds since 1970; null: before anybody listened
 * @property {"line"|"run"|"gap"} kind `run`: another run begins; `gap`: lines may be missing
 */

/** A ring of lines. `lost` is how many have fallen out of it. */
export class Ring {
  constructor(most = MOST) {
    this.most = most;
    this.lines = [];
    this.next = 0;
  }

  get lost() {
    return this.next - this.lines.length;
  }

  /** @param {ReadonlyArray<{kind?: string, text?: string, at?: number|null}>} pieces */
  add(pieces) {
    for (const { kind = "line", text = "", at = null } of pieces) {
      this.lines.push({ n: this.next, kind, text: plain(text), at });
      this.next += 1;
    }
    if (this.lines.length > this.most) this.lines.splice(0, this.lines.length - this.most);
  }
}

/** Without the codes that colour a terminal. */
export function plain(text) {
  return text.replace(COLOURS, "");
}

/** `err`, `warn` or nothing, by the words that engines use. */
export function toneOfLine(text) {
  if (ERRORS.test(text)) return "err";
  return WARNINGS.test(text) ? "warn" : "";
}

/**
 * What of a log that was read again is new; where that cannot be told, all of it behind a gap.
 * @param {ReadonlyArray<{kind: string, text: string}>} old
 * @param {ReadonlyArray<{kind?: string, text?: string}>} fresh from its beginning, or from somewhere later on
 */
export function joined(old, fresh) {
  if (!old.length) return fresh;
  const tail = old.slice(-KNOWN_BY).map(sameness);
  const texts = fresh.map(sameness);
  for (let at = texts.length - tail.length; at >= 0; at -= 1) {
    if (tail.every((text, i) => text === texts[at + i])) return fresh.slice(at + tail.length);
  }
  return [{ kind: "gap" }, ...fresh];
}

const sameness = ({ kind = "line", text = "" }) => `${kind} ${plain(text)}`;

/** The numbers of the lines that hold a text, in order. Case counts for nothing. */
export function matchesOf(lines, wanted) {
  const sought = wanted.toLowerCase();
  return sought ? lines.filter(({ text }) => text.toLowerCase().includes(sought)).map(({ n }) => n) : [];
}

/** A text in pieces, of which every second one is a match: for marking it. */
export function pieces(text, wanted) {
  if (!wanted) return [text];
  const [low, sought, found] = [text.toLowerCase(), wanted.toLowerCase(), []];
  let from = 0;
  for (let at = low.indexOf(sought); at >= 0; at = low.indexOf(sought, from)) {
    found.push(text.slice(from, at), text.slice(at, at + sought.length));
    from = at + sought.length;
  }
  return [...found, text.slice(from)];
}

/** The match to go to next from a line; it goes round. null: there is none. */
export function nextMatch(found, from, step) {
  if (!found.length) return null;
  if (step > 0) return found.find((n) => n > from) ?? found[0];
  return found.findLast((n) => n < from) ?? found.at(-1);
}

/**
 * Where each line begins, counted in rows of a screen: `starts[i]` is the first row of line i, the last entry
 * is how many rows there are. Every row is as high as any other, so a window into them needs no measuring.
 * @param {ReadonlyArray<{text: string}>} lines
 * @param {number} columns Infinity where lines do not fold
 */
export function rowsOf(lines, columns) {
  const starts = new Uint32Array(lines.length + 1);
  lines.forEach(({ text }, i) => {
    starts[i + 1] = starts[i] + (columns === Infinity ? 1 : Math.max(1, Math.ceil(text.length / columns)));
  });
  return starts;
}

/** The line that a row belongs to: the last that begins at or before it. */
export function lineAt(starts, row) {
  let [low, high] = [0, starts.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= row) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}
