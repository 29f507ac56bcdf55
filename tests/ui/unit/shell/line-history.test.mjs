// The walk through what was typed before.

import assert from "node:assert/strict";
import { test } from "node:test";
import { step, withLine } from "../../../../proxy/src/switchyard_proxy/ui/shell/line-history.js";

const LINES = ["new", "load a", "load b"];

test("up is the newest first, down leads back to what was being typed", () => {
  const first = step(LINES, { at: -1, typed: "the" }, 1);
  const second = step(LINES, { ...first, typed: "the" }, 1);
  const back = step(LINES, { at: 0, typed: "the" }, -1);

  assert.equal(first.line, "load b");
  assert.equal(second.line, "load a");
  assert.deepEqual(back, { at: -1, line: "the" });
});

test("the walk ends at both ends", () => {
  assert.deepEqual(step(LINES, { at: 2, typed: "" }, 1), { at: 2, line: "new" });
  assert.deepEqual(step([], { at: -1, typed: "x" }, 1), { at: -1, line: "x" });
});

test("a line said again moves to the end, and the list stays short", () => {
  assert.deepEqual(withLine(LINES, "new"), ["load a", "load b", "new"]);
  assert.equal(withLine(Array.from({ length: 100 }, String), "one more").length, 100);
});
