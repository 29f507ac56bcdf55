import assert from "node:assert/strict";
import test from "node:test";

import { branchIn, newestLeaf, place } from "../../../../proxy/src/switchyard_proxy/ui/chat/branches.js";

const TREE = [
  { id: "a", parent: "" },
  { id: "b", parent: "a" },
  { id: "c", parent: "a" },
  { id: "d", parent: "b" },
];

test("a message has its place among its siblings", () => {
  assert.deepEqual(place(["a", "b", "c"], "b"), { at: 2, of: 3, before: "a", after: "c" });
  assert.deepEqual(place(["a"], "a"), { at: 1, of: 1, before: null, after: null });
});

test("a branch is walked from its end to its root", () => {
  assert.deepEqual(
    branchIn(TREE, "d").map((one) => one.id),
    ["a", "b", "d"],
  );
});

test("a circle ends", () => {
  const circle = [
    { id: "a", parent: "b" },
    { id: "b", parent: "a" },
  ];

  assert.deepEqual(
    branchIn(circle, "a").map((one) => one.id),
    ["b", "a"],
  );
});

test("the newest leaf is the last that has no children", () => {
  assert.equal(newestLeaf(TREE), "d");
  assert.equal(newestLeaf([]), null);
});
