import assert from "node:assert/strict";
import { test } from "node:test";

import {
  glyphOf, isComingUp, isInMotion, PHASES, toneOf,
} from "../../../../proxy/src/switchyard_proxy/ui/store/phases.js";

test("every phase has a glyph of its own kind and a tone", () => {
  for (const phase of PHASES) {
    assert.notEqual(glyphOf(phase), "?", phase);
    assert.match(toneOf(phase), /^(ok|info|warn|err|dim)$/);
  }
});

test("a phase from a newer manager is shown, not feigned", () => {
  assert.equal(glyphOf("meditating"), "?");
  assert.equal(toneOf("meditating"), "dim");
});

test("only what comes up is coming up, and what leaves is in motion, too", () => {
  assert.deepEqual(PHASES.filter(isComingUp), ["starting", "loading", "warming", "waking"]);
  assert.deepEqual(PHASES.filter((phase) => isInMotion(phase) && !isComingUp(phase)), [
    "draining", "sleeping", "stopping",
  ]);
});
