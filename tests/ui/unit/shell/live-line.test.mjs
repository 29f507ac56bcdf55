// What the line above every view shows of many models.

import assert from "node:assert/strict";
import { test } from "node:test";
import { shareIn, worthShowing } from "../../../../proxy/src/switchyard_proxy/ui/shell/live-line.js";

const named = (...phases) => phases.map((phase) => ({ name: phase, phase }));

test("what moves comes first, what has failed last, what rests not at all", () => {
  const shown = worthShowing(named("failed", "ready", "stopped", "loading", "asleep", "stop_failed", "draining"));

  assert.deepEqual(shown.map(({ name }) => name), ["loading", "draining", "ready", "failed", "stop_failed"]);
});

test("a share is taken from the manager's words, and nothing is made up", () => {
  assert.equal(shareIn("weights: 62 %, shard 3 of 5"), "62 %");
  assert.equal(shareIn("warming up"), "");
  assert.equal(shareIn(null), "");
});
