import assert from "node:assert/strict";
import { test } from "node:test";

import { concerned, undoOf, verbsOf } from "../../../../proxy/src/switchyard_proxy/ui/models/verbs.js";

const model = (phase, more = {}) => ({ phase, in_flight: 0, waiting: 0, pinned: false, files: null, ...more });

test("what is at rest can be loaded", () => {
  for (const phase of ["stopped", "failed", "asleep"]) assert.equal(verbsOf(model(phase))[0], "load", phase);
});

test("what comes up can be called off, and not loaded again", () => {
  for (const phase of ["starting", "loading", "warming", "waking"]) {
    assert.deepEqual(verbsOf(model(phase)), ["cancel", "pin"], phase);
  }
});

test("a ready model can sleep or go", () => {
  assert.deepEqual(verbsOf(model("ready", { can_sleep: true })), ["sleep", "unload", "pin"]);
});

test("one that would be stopped instead of sleeping can only go", () => {
  assert.deepEqual(verbsOf(model("ready", { can_sleep: false })), ["unload", "pin"]);
});

test("whoever waits in the queue can be called off", () => {
  assert.deepEqual(verbsOf(model("stopped", { waiting: 2 })), ["cancel", "pin"]);
});

test("a failed model that cools down can be tried again at once", () => {
  assert.equal(verbsOf(model("failed", { waiting: 1, retry_in_s: 20 }))[0], "load");
});

test("files can be fetched unless that is under way, and then it can be called off", () => {
  assert.ok(verbsOf(model("stopped", { files: { at: "absent" } })).includes("pull"));
  assert.deepEqual(verbsOf(model("stopped", { files: { at: "fetching" } })), ["load", "cancel", "pin"]);
  assert.ok(!verbsOf(model("stopped", { files: null })).includes("pull"));
});

test("what is pinned can be unpinned", () => {
  assert.deepEqual(verbsOf(model("draining", { pinned: true })), ["unpin"]);
});

test("whoever would cut in on people is asked first, with how many they are", () => {
  assert.equal(concerned("unload", model("ready", { in_flight: 3 })), 3);
  assert.equal(concerned("sleep", model("ready", { in_flight: 1 })), 1);
  assert.equal(concerned("cancel", model("loading", { waiting: 2 })), 2);
});

test("a load that the reader asked for is called off without a question, unless others wait, too", () => {
  assert.equal(concerned("cancel", model("loading", { waiting: 1 }), true), 0);
  assert.equal(concerned("cancel", model("loading", { waiting: 3 }), true), 2);
});

test("what concerns nobody is done without a question", () => {
  assert.equal(concerned("unload", model("ready")), 0);
  assert.equal(concerned("cancel", model("loading")), 0);
  assert.equal(concerned("pin", model("ready", { in_flight: 3 })), 0);
});

test("a verb that can be undone says how", () => {
  assert.equal(undoOf("pin"), "unpin");
  assert.equal(undoOf("unload"), "load");
  assert.equal(undoOf("pull"), null);
});
