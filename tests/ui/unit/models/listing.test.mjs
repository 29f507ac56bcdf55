import assert from "node:assert/strict";
import { test } from "node:test";

import { census, groups, matches, neighbour, usedAt } from "../../../../proxy/src/switchyard_proxy/ui/models/listing.js";

const model = (name, more = {}) => ({
  name, site: 0, type: "text", engine: "vllm", phase: "stopped", in_flight: 0, waiting: 0, at: 1000, ...more,
});
const names = (found) => found.flatMap((group) => group.models.map(({ name }) => name));

test("a model is meant by its name, an alias, its type, its engine, its phase or a variant", () => {
  const qwen = model("qwen3", { aliases: ["gpt-4o"], serving: { variants: { quick: {} } } });

  for (const word of ["QWEN", "gpt", "text", "vllm", "stopped", "quick", "qwen stop"]) {
    assert.ok(matches(qwen, word), word);
  }
  assert.ok(!matches(qwen, "qwen ready"));
});

test("models stand under their machine, the machines in their order", () => {
  const found = groups([model("b", { site: 1 }), model("a")], { sites: [{ site: 0, name: "pc" }] });

  assert.deepEqual(found.map(({ site, name }) => [site, name]), [[0, "pc"], [1, null]]);
});

test("a machine without a model is listed, too, and says whether it is connected", () => {
  const found = groups([], { sites: [{ site: 0, name: "pc", connected: false }] });

  assert.deepEqual(found, [{ site: 0, name: "pc", connected: false, models: [] }]);
});

test("names are in the order in which people count", () => {
  assert.deepEqual(names(groups([model("qwen10"), model("qwen9"), model("Qwen1")], {})), ["Qwen1", "qwen9", "qwen10"]);
});

test("by phase those that serve come first, by memory the largest, by use the latest, by requests the busiest", () => {
  const all = [
    model("idle", { phase: "ready", idle_s: 100, measured_mib: 10 }),
    model("busy", { phase: "ready", in_flight: 2, idle_s: 0, claim_mib: 5 }),
    model("gone"),
    model("warm", { phase: "loading", waiting: 9, claim_mib: 20 }),
  ];

  assert.deepEqual(names(groups(all, { sort: "phase" })), ["busy", "idle", "warm", "gone"]);
  assert.deepEqual(names(groups(all, { sort: "memory" })), ["warm", "idle", "busy", "gone"]);
  assert.deepEqual(names(groups(all, { sort: "used" })), ["busy", "idle", "gone", "warm"]);
  assert.deepEqual(names(groups(all, { sort: "requests" })), ["warm", "busy", "gone", "idle"]);
});

test("an order that nobody knows is the one by name", () => {
  assert.deepEqual(names(groups([model("b"), model("a")], { sort: "colour" })), ["a", "b"]);
});

test("when a model was used is counted from when that was heard", () => {
  assert.equal(usedAt(model("a", { idle_s: 60 })), 940);
  assert.equal(usedAt(model("a", { idle_s: null })), null);
  assert.equal(usedAt(model("a", { in_flight: 1, idle_s: 60 })), 1000);
});

test("a census leaves out phases that nothing is in", () => {
  assert.deepEqual(census([model("a"), model("b"), model("c", { phase: "ready" })]), [
    { phase: "stopped", n: 2 }, { phase: "ready", n: 1 },
  ]);
});

test("stepping through a list stops at its ends, and begins at one of them", () => {
  const keys = ["a", "b", "c"];

  assert.equal(neighbour(keys, "b", 1), "c");
  assert.equal(neighbour(keys, "c", 1), "c");
  assert.equal(neighbour(keys, null, 1), "a");
  assert.equal(neighbour(keys, "gone", -1), "c");
  assert.equal(neighbour([], null, 1), null);
});
