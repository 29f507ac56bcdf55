import assert from "node:assert/strict";
import test from "node:test";

import { parse, SAMPLING } from "../../../../proxy/src/switchyard_proxy/ui/settings/sampling.js";
import { DEFAULTS } from "../../../../proxy/src/switchyard_proxy/ui/store/settings.js";

test("an empty field leaves it to the model", () => {
  assert.deepEqual(parse("temperature", "  "), { value: null });
});

test("a number is a number, with a point or a comma", () => {
  assert.deepEqual(parse("temperature", "0.7"), { value: 0.7 });
  assert.deepEqual(parse("temperature", "0,7"), { value: 0.7 });
});

test("what is none, not whole or out of range is said so, and never bent", () => {
  assert.deepEqual(parse("top_p", "much"), { fault: "number" });
  assert.deepEqual(parse("seed", "1.5"), { fault: "whole" });
  assert.deepEqual(parse("top_p", "1.01"), { fault: "range" });
  assert.deepEqual(parse("max_tokens", "0"), { fault: "range" });
});

test("every setting of sampling has a field", () => {
  assert.deepEqual(Object.keys(SAMPLING).sort(), Object.keys(DEFAULTS.sampling).sort());
});
