import assert from "node:assert/strict";
import { test } from "node:test";

import { moved, restored, slotAt, without } from "../../../../proxy/src/switchyard_proxy/ui/media/order.js";

const list = (...ids) => ids.map((id) => ({ id }));
const ids = (items) => items.map(({ id }) => id).join("");

test("a thing moves to its new place, forwards and backwards", () => {
  assert.equal(ids(moved(list("a", "b", "c"), 0, 2)), "bca");
  assert.equal(ids(moved(list("a", "b", "c"), 2, 0)), "cab");
});

test("beyond an end means at that end, and from nowhere nothing moves", () => {
  const three = list("a", "b", "c");

  assert.equal(ids(moved(three, 1, 9)), "acb");
  assert.equal(ids(moved(three, 1, -4)), "bac");
  assert.equal(moved(three, 7, 0), three);
  assert.equal(moved(three, 2, 5), three);
});

test("what was taken out comes back behind its former neighbour, though the order changed since", () => {
  const before = list("a", "b", "c");
  const now = list("c", "a", "new");

  assert.equal(ids(restored(now, before, { id: "b" })), "cabnew");
});

test("the first one comes back first, and one that is there again does not come twice", () => {
  const before = list("a", "b");

  assert.equal(ids(restored(list("b"), before, { id: "a" })), "ab");
  assert.equal(ids(restored(before, before, { id: "a" })), "ab");
});

test("without leaves the others alone", () => {
  assert.equal(ids(without(list("a", "b", "c"), "b")), "ac");
});

// Two rows of two boxes, each 100 wide and 50 high.
const BOXES = [
  { left: 0, top: 0, width: 100, height: 50 },
  { left: 100, top: 0, width: 100, height: 50 },
  { left: 0, top: 50, width: 100, height: 50 },
];

test("a box that is let go over the left half of another takes its place", () => {
  assert.equal(slotAt(BOXES, 10, 20, 2), 0);
  assert.equal(slotAt(BOXES, 60, 20, 2), 1);
});

test("a box that is let go over the right half of another stands behind it", () => {
  assert.equal(slotAt(BOXES, 190, 20, 0), 1);
  assert.equal(slotAt(BOXES, 60, 70, 0), 2);
});

test("a box that is let go where it was stays", () => {
  for (const [at, x, y] of [[0, 40, 20], [0, 60, 20], [1, 120, 20], [1, 180, 20], [2, 30, 70]]) {
    assert.equal(slotAt(BOXES, x, y, at), at);
  }
});

test("below everything is the end", () => {
  assert.equal(slotAt(BOXES, 10, 500, 0), 2);
});
