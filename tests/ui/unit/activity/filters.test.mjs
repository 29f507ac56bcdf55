import assert from "node:assert/strict";
import test from "node:test";

import {
  count, NONE, queryOf, read, searchOf,
} from "../../../../proxy/src/switchyard_proxy/ui/activity/filters.js";

test("an address without filters is no filter", () => {
  assert.deepEqual(read({}), NONE);
  assert.equal(count(read({})), 0);
});

test("what an address asks for comes back in the address, and nothing else", () => {
  const query = { model: "qwen", outcome: "failed", period: "day", slower: "10", status: "4xx" };

  assert.deepEqual(queryOf(read(query)), query);
});

test("what makes no sense in an address is left out", () => {
  const read_ = read({ outcome: "fine", status: "999", slower: "soon", period: "age", request: "x" });

  assert.deepEqual(queryOf(read_), {});
});

test("an object's own words are no periods", () => {
  assert.equal(read({ period: "constructor" }).period, "all");
});

test("the proxy is asked in its own words, a period as the moment since when", () => {
  const asked = searchOf(read({ model: "a b", slower: "1", period: "hour", q: "req" }), 10_000.9);

  assert.equal(asked.toString(), "model=a+b&q=req&min_duration_s=1&since=6400");
});

test("all time has no beginning", () => {
  assert.equal(searchOf(NONE, 5).has("since"), false);
});
