// What a tab's title says of what is under way.

import assert from "node:assert/strict";
import { test } from "node:test";
import { signOf } from "../../../../proxy/src/switchyard_proxy/ui/shell/progress.js";

test("the slowest of several counts", () => {
  assert.equal(signOf([0.9, 0.25], ""), "25%");
});

test("what tells no share is an ellipsis", () => {
  assert.equal(signOf([null], ""), "…");
});

test("what has ended shows until it was seen", () => {
  assert.equal(signOf([], "✓"), "✓");
  assert.equal(signOf([], ""), "");
  assert.equal(signOf([null], "✓"), "…");
});
