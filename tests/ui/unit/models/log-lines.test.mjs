import assert from "node:assert/strict";
import { test } from "node:test";

import {
  joined, lineAt, matchesOf, nextMatch, pieces, plain, Ring, rowsOf, toneOfLine,
} from "../../../../proxy/src/switchyard_proxy/ui/models/log-lines.js";

const said = (...texts) => texts.map((text) => ({ text }));
const ringOf = (most, ...texts) => {
  const ring = new Ring(most);
  ring.add(said(...texts));
  return ring;
};

test("a ring keeps the newest lines, and counts those that fell out", () => {
  const ring = ringOf(3, "a", "b", "c", "d");

  assert.deepEqual(ring.lines.map(({ n, text }) => [n, text]), [[1, "b"], [2, "c"], [3, "d"]]);
  assert.equal(ring.lost, 1);
});

test("codes that colour a terminal are not shown", () => {
  assert.equal(plain("\u001b[1;31mred\u001b[0m and \u001b[?25lplain"), "red and plain");
});

test("errors and warnings are known by the words that engines use", () => {
  assert.equal(toneOfLine("ERROR 11-21 engine died"), "err");
  assert.equal(toneOfLine("torch.OutOfMemoryError: CUDA out of memory"), "err");
  assert.equal(toneOfLine("WARNING: slow"), "warn");
  assert.equal(toneOfLine("no terrors here"), "");
});

test("a log that is read again goes on where it was left, without a repeat", () => {
  const { lines } = ringOf(9, "a", "b", "c", "d", "e", "f");

  assert.deepEqual(joined(lines, said("b", "c", "d", "e", "f", "g", "h")), said("g", "h"));
});

test("of repeated lines the last place that fits is where it goes on", () => {
  const { lines } = ringOf(9, "x", "x");

  assert.deepEqual(joined(lines, said("x", "x", "x", "y")), said("y"));
});

test("where a log goes on cannot be told: all of it, behind a gap", () => {
  const { lines } = ringOf(9, "a", "b");

  assert.deepEqual(joined(lines, said("y", "z")), [{ kind: "gap" }, ...said("y", "z")]);
});

test("what was never read has no gap", () => {
  assert.deepEqual(joined([], said("a")), said("a"));
});

test("matches are found whatever the case, and stepping through them goes round", () => {
  const { lines } = ringOf(9, "Load", "x", "loaded", "y");

  assert.deepEqual(matchesOf(lines, "load"), [0, 2]);
  assert.deepEqual(matchesOf(lines, ""), []);
  assert.equal(nextMatch([0, 2], 0, 1), 2);
  assert.equal(nextMatch([0, 2], 2, 1), 0);
  assert.equal(nextMatch([0, 2], 0, -1), 2);
  assert.equal(nextMatch([], 0, 1), null);
});

test("a text falls into pieces around its matches", () => {
  assert.deepEqual(pieces("abcABc", "AB"), ["", "ab", "c", "AB", "c"]);
  assert.deepEqual(pieces("abc", ""), ["abc"]);
  assert.deepEqual(pieces("abc", "x"), ["abc"]);
});

test("folded lines take more rows, empty ones take one, and every row knows its line", () => {
  const starts = rowsOf(said("abcdefgh", "", "xyz"), 4);

  assert.deepEqual([...starts], [0, 2, 3, 4]);
  assert.deepEqual([0, 1, 2, 3, 99].map((row) => lineAt(starts, row)), [0, 0, 1, 2, 2]);
});

test("lines that do not fold take a row each", () => {
  assert.deepEqual([...rowsOf(said("x".repeat(900), "y"), Infinity)], [0, 1, 2]);
});
