import assert from "node:assert/strict";
import test from "node:test";

import {
  around,
  atEnd,
  downward,
  LARGEST,
  PAGE,
  shifted,
  upward,
} from "../../../../proxy/src/switchyard_proxy/ui/chat/mounted.js";

test("a conversation begins with its newest page", () => {
  assert.deepEqual(atEnd(10_000), { from: 10_000 - PAGE, to: 10_000 });
  assert.deepEqual(atEnd(3), { from: 0, to: 3 });
});

test("going up adds a page, and lets the end go once there are too many", () => {
  let shown = atEnd(10_000);

  for (let step = 0; step < 20; step += 1) shown = upward(shown);

  assert.equal(shown.to - shown.from, LARGEST);
  assert.equal(shown.from, 10_000 - PAGE * 21);
});

test("going down comes back to the end", () => {
  let shown = { from: 0, to: PAGE };

  for (let step = 0; step < 300; step += 1) shown = downward(shown, 10_000);

  assert.deepEqual(shown, { from: 10_000 - LARGEST, to: 10_000 });
});

test("what was read in above moves the window along", () => {
  assert.deepEqual(shifted({ from: 0, to: 50 }, 100), { from: 100, to: 150 });
});

test("a message that was searched for stands in the middle", () => {
  assert.deepEqual(around(500, 1_000), { from: 475, to: 525 });
  assert.deepEqual(around(2, 10), { from: 0, to: 10 });
});
