import assert from "node:assert/strict";
import { test } from "node:test";

import { Blocks, LONGEST } from "../../../../proxy/src/switchyard_proxy/ui/text/blocks.js";
import { chances, cuts, mixed } from "./corpus.mjs";

function segmentsOf(...pieces) {
  const blocks = new Blocks();
  return [...pieces.flatMap((piece) => blocks.push(piece)), ...blocks.end()];
}
const kinds = (text) => segmentsOf(text).map(({ kind, raw }) => [kind, raw]);

test("a paragraph ends with a blank line, or with what interrupts it", () => {
  assert.deepEqual(kinds("a\nb\n\nc\n# d\ne"), [["text", "a\nb"], ["text", "c"], ["text", "# d"], ["text", "e"]]);
});

test("a list goes on over blank lines, each item by itself, and says whether it is loose", () => {
  const segments = segmentsOf("- a\n\n- b\n\n  more\n- c\n\nend");

  assert.deepEqual(segments.map(({ raw }) => raw), ["- a", "- b\n\n  more", "- c", "end"]);
  assert.equal(new Set(segments.slice(0, 3).map(({ group }) => group.id)).size, 1);
  assert.deepEqual(segments.slice(0, 3).map(({ group }) => group.isLoose), [false, true, true]);
});

test("another kind of mark is another list", () => {
  const [one, two, three] = segmentsOf("- a\n* b\n3. c\n");

  assert.equal(new Set([one.group.id, two.group.id, three.group.id]).size, 3);
  assert.equal(three.group.start, 3);
});

test("what is inside a fence is never looked at", () => {
  assert.deepEqual(kinds("```js x\n# a\n\n- b\n~~~\n````\nend"), [["fence", "# a\n\n- b\n~~~"], ["text", "end"]]);
  assert.equal(segmentsOf("```js x\n")[0].info, "js x");
});

test("a fence inside an item holds it together", () => {
  assert.equal(segmentsOf("1. a\n   ```\n   x\n\n   1. y\n   ```\n2. b").length, 2);
});

test("each row of a table is by itself, with its head", () => {
  const segments = segmentsOf("before\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\nafter");

  assert.deepEqual(segments.map(({ kind, raw }) => [kind, raw]), [
    ["text", "before"], ["row", ""], ["row", "| 1 | 2 |"], ["row", "| 3 | 4 |"], ["text", "after"],
  ]);
  assert.equal(segments[1].group.head, "| a | b |\n|---|---|");
});

test("a table of more rows than a browser lays out at once goes on as the next, under the same head", () => {
  const rows = Array.from({ length: 401 }, (_, n) => `| ${n} | x |`);
  const found = segmentsOf(`| a | b |\n|---|---|\n${rows.join("\n")}\n`);

  assert.deepEqual(found.map(({ raw }) => raw), ["", ...rows.slice(0, 400), "", rows[400]]);
  assert.equal(new Set(found.map(({ group }) => group.id)).size, 2);
  assert.equal(new Set(found.map(({ group }) => group.head)).size, 1);
});

test("a row of dashes with another number of cells makes no table", () => {
  assert.deepEqual(kinds("| a | b |\n|---|\n"), [["text", "| a | b |\n|---|"]]);
});

test("mathematics on lines of its own is one segment; a blank line says that it was none", () => {
  assert.equal(segmentsOf("$$\na\n- b\n\\\\\n$$\nend").length, 2);
  assert.equal(segmentsOf("$$\na\n\n- b\n").length, 2);
});

test("no segment but a fence is longer than the longest, whatever comes", () => {
  for (const text of ["x".repeat(50_000), "word ".repeat(20_000), "a\n".repeat(20_000), `- ${"b\n  ".repeat(9_000)}`, "> c\n".repeat(9_000)]) {
    const segments = segmentsOf(text);
    assert.ok(segments.every(({ raw }) => raw.length <= LONGEST + 10), text.slice(0, 9));
    assert.equal(segments.map(({ raw }) => raw).join("").replace(/\s/g, ""), text.replace(/\s/g, ""));
  }
});

test("an endless line is cut between letters, never inside one", () => {
  const segments = segmentsOf(`a${"🐞".repeat(9_000)}`);

  assert.ok(segments.length > 3);
  assert.ok(segments.every(({ kind, raw }) => kind === "plain" && raw.isWellFormed?.() !== false));
});

test("segments are the same wherever the text is cut, and what is shown meanwhile changes nothing", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const chance = chances(seed);
    const text = mixed(chance, 20);
    const blocks = new Blocks();
    const found = cuts(chance, text, 30).flatMap((piece) => {
      const ended = blocks.push(piece);
      blocks.preview();
      return ended;
    });
    assert.deepEqual([...found, ...blocks.end()], segmentsOf(text), `seed ${seed}`);
  }
});
