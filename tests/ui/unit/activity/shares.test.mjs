import assert from "node:assert/strict";
import test from "node:test";

import { sorted, total, valueOf } from "../../../../proxy/src/switchyard_proxy/ui/activity/shares.js";

const share = (model, requests, more = {}) => ({
  model, requests, errors: 0, tokens_in: 1, tokens_out: 2, cached: 0, tokens_per_second: null, spreads: {},
  ...more,
});
const names = (shares) => shares.map((one) => one.model);

test("shares stand in the order of any column, up or down", () => {
  const shares = [share("b", 1), share("a", 3), share("c", 2)];

  assert.deepEqual(names(sorted(shares, { column: "requests", up: false }, "model")), ["a", "c", "b"]);
  assert.deepEqual(names(sorted(shares, { column: "name", up: true }, "model")), ["a", "b", "c"]);
});

test("what was never counted stands last, whichever way", () => {
  const at = (name, speed) => share(name, 1, { tokens_per_second: speed });
  const shares = [at("none", null), at("fast", 9), at("slow", 2)];

  assert.deepEqual(names(sorted(shares, { column: "speed", up: true }, "model")), ["slow", "fast", "none"]);
  assert.deepEqual(names(sorted(shares, { column: "speed", up: false }, "model")), ["fast", "slow", "none"]);
});

test("a span is compared by what half stayed below", () => {
  assert.equal(valueOf(share("a", 1, { spreads: { total_s: { p50: 2, p95: 9 } } }), "total_s", "model"), 2);
  assert.equal(valueOf(share("a", 1), "total_s", "model"), null);
});

test("all together is the sum of each", () => {
  const sums = total([share("a", 2, { errors: 1 }), share("b", 3)]);

  assert.deepEqual(sums, { requests: 5, errors: 1, tokens_in: 2, tokens_out: 4, cached: 0 });
});
