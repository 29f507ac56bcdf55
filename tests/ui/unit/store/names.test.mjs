import assert from "node:assert/strict";
import { test } from "node:test";

import { allNames, find } from "../../../../proxy/src/switchyard_proxy/ui/store/names.js";

const QWEN = {
  name: "qwen3",
  aliases: ["gpt-4o"],
  serving: { variants: { quick: { aliases: ["fast"] }, thinking: { aliases: [] } } },
};
const PLAIN = { name: "fast-lane", aliases: [] };

test("a model is found by its name, and by an alias", () => {
  assert.deepEqual(find([PLAIN, QWEN], "qwen3"), { model: QWEN, variant: null });
  assert.deepEqual(find([PLAIN, QWEN], "gpt-4o"), { model: QWEN, variant: null });
});

test("a variant is found by model:variant, alias:variant and its own alias", () => {
  for (const name of ["qwen3:quick", "gpt-4o:quick", "fast"]) {
    assert.deepEqual(find([PLAIN, QWEN], name), { model: QWEN, variant: "quick" });
  }
});

test("a name that leads nowhere finds nothing", () => {
  assert.equal(find([PLAIN, QWEN], "fast-lan"), null);
  assert.equal(find([], "qwen3"), null);
});

test("a name of its own goes before an alias of another", () => {
  const greedy = { name: "other", aliases: ["fast-lane"] };

  assert.equal(find([greedy, PLAIN], "fast-lane").model, PLAIN);
});

test("all names are the names, the aliases and the variants with theirs", () => {
  assert.deepEqual(allNames([QWEN]).map(({ name, variant }) => [name, variant]), [
    ["qwen3", null],
    ["gpt-4o", null],
    ["qwen3:quick", "quick"],
    ["fast", "quick"],
    ["qwen3:thinking", "thinking"],
  ]);
});
