import assert from "node:assert/strict";
import test from "node:test";

import { movedOut, waiting } from "../../../../proxy/src/switchyard_proxy/ui/chat/waiting.js";

const MODEL = {
  name: "qwen",
  site: 0,
  phase: "loading",
  at: 100,
  progress: "weights: 62 % of 9 GiB",
  expected_s: 20,
};

test("a model that is ready is not waited for, nor is one that nobody knows", () => {
  assert.equal(waiting({ ...MODEL, phase: "ready" }, [], 100), null);
  assert.equal(waiting(null, [], 100), null);
});

test("how far it is comes from what the engine says", () => {
  assert.equal(waiting(MODEL, [], 100).share, 0.62);
  assert.equal(waiting({ ...MODEL, progress: "compiles" }, [], 100).share, null);
});

test("what is left goes down with the clock, and never below nothing", () => {
  assert.equal(waiting(MODEL, [], 106).left, 14);
  assert.equal(waiting(MODEL, [], 500).left, 0);
});

test("nothing is said of the end where no past load tells, or while it does not load", () => {
  assert.equal(waiting({ ...MODEL, expected_s: null }, [], 100).left, null);
  assert.equal(waiting({ ...MODEL, phase: "stopped" }, [], 100).left, null);
});

test("its place in the queue and who is before it, of its own machine", () => {
  const queue = (...names) => names.map((model) => ({ model }));
  const machines = [
    { site: 1, queue: queue("qwen") },
    { site: 0, queue: queue("qwen-image", "qwen") },
  ];

  const { place, behind } = waiting(MODEL, machines, 100);

  assert.deepEqual([place, behind], [2, "qwen-image"]);
});

test("only a plan that moves somebody out tells whom", () => {
  assert.deepEqual(movedOut({ outcome: "evict", victims: ["flux"] }), ["flux"]);
  assert.deepEqual(movedOut({ outcome: "now", victims: [] }), []);
  assert.deepEqual(movedOut(null), []);
});
