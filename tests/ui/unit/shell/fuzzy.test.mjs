// Few letters, the right name.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzy, ranked } from "../../../../proxy/src/switchyard_proxy/ui/shell/fuzzy.js";

test("letters must be there in their order", () => {
  assert.equal(fuzzy("ba", "ab"), null);
  assert.deepEqual(fuzzy("ab", "a-b").at, [0, 2]);
});

test("letters that stand together are found together", () => {
  assert.deepEqual(fuzzy("chat", "demo-chat").at, [5, 6, 7, 8]);
});

test("nothing typed fits everything", () => {
  assert.deepEqual(ranked("", ["b", "a"]).map(({ item }) => item), ["b", "a"]);
});

test("a beginning is better than a middle, a middle better than scattered letters", () => {
  const names = ["s-l-e-e-p", "oversleep", "sleep"];

  assert.deepEqual(ranked("sleep", names).map(({ item }) => item), ["sleep", "oversleep", "s-l-e-e-p"]);
});

test("the beginnings of words count", () => {
  assert.equal(ranked("qi", ["qwen-fast-i", "qwen-image", "quick"])[0].item, "qwen-image");
});

test("capitals do not matter", () => {
  assert.notEqual(fuzzy("QWEN", "qwen3-vl"), null);
});
