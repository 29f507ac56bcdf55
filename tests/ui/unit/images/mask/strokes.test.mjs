import assert from "node:assert/strict";
import { test } from "node:test";

import { EMPTY, done, extended, redo, revived, standing, undo } from "../../../../../proxy/src/switchyard_proxy/ui/images/mask/strokes.js";

const brush = (...points) => ({ kind: "brush", size: 4, points });
const erase = (...points) => ({ kind: "erase", size: 4, points });

test("everything can be undone and done again", () => {
  let mask = EMPTY;
  for (let i = 0; i < 500; i += 1) mask = done(mask, brush(i, i));
  const whole = mask;
  for (let i = 0; i < 500; i += 1) mask = undo(mask);
  assert.deepEqual(mask.deeds, []);
  assert.equal(undo(mask), mask);
  for (let i = 0; i < 500; i += 1) mask = redo(mask);

  assert.deepEqual(mask, whole);
  assert.equal(redo(mask), mask);
});

test("whoever paints after undoing gives up what was undone", () => {
  const mask = done(undo(done(EMPTY, brush(1, 1))), brush(2, 2));

  assert.deepEqual(mask.deeds, [brush(2, 2)]);
  assert.deepEqual(mask.undone, []);
});

test("a clear wipes what was before it, and can be undone", () => {
  const painted = done(done(EMPTY, brush(1, 1)), { kind: "clear" });
  const later = done(painted, brush(2, 2));

  assert.deepEqual(standing(later), [brush(2, 2)]);
  assert.deepEqual(standing(undo(undo(later))), [brush(1, 1)]);
});

test("on an empty mask there is nothing to erase or to clear", () => {
  assert.equal(done(EMPTY, erase(1, 1)), EMPTY);
  assert.equal(done(EMPTY, { kind: "clear" }), EMPTY);
  assert.equal(done(EMPTY, brush()), EMPTY);
});

test("an empty mask can be inverted: then all of it is marked", () => {
  assert.deepEqual(standing(done(EMPTY, { kind: "invert" })), [{ kind: "invert" }]);
});

test("a pointer that rests adds nothing", () => {
  const stroke = brush(1, 2);

  assert.equal(extended(stroke, { x: 1, y: 2 }), stroke);
  assert.deepEqual(extended(stroke, { x: 3, y: 2 }).points, [1, 2, 3, 2]);
  assert.deepEqual(stroke.points, [1, 2]);
});

test("a mask is kept as data and comes back the same", () => {
  const mask = done(EMPTY, brush(1, 2, 3, 4));

  assert.deepEqual(revived(JSON.parse(JSON.stringify(mask))), mask);
  assert.equal(revived({ deeds: 3 }), EMPTY);
  assert.equal(revived(undefined), EMPTY);
});
