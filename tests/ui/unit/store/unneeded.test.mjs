// Which files of the browser's store may go.

import assert from "node:assert/strict";
import { test } from "node:test";

import { due, strikeNamed } from "../../../../proxy/src/switchyard_proxy/ui/store/unneeded.js";

const DAY = 86_400_000;
const left = (record, ...ids) => {
  const set = new Set(ids);
  strikeNamed(record, set);
  return [...set];
};

test("a file is needed by whatever names it, however deep", () => {
  const message = { id: "m1", content: [{ type: "text", text: "a" }, { type: "image_url", file: "f1" }] };
  const order = { wish: { references: ["f2", "f3"] }, mask: new Blob(["f4"]), at: 5, took: null };

  assert.deepEqual(left([message, order], "f1", "f2", "f3", "f4"), ["f4"]);
});

test("a text that only speaks of a file does not keep it", () => {
  assert.deepEqual(left({ text: "where is f1?" }, "f1"), ["f1"]);
});

test("what is found unnamed for the first time stays a day, for whoever wants it back", () => {
  const first = due(["f1"], {}, 1_000);

  assert.deepEqual(first, { gone: [], since: { f1: 1_000 } });
  assert.deepEqual(due(["f1"], first.since, 1_000 + DAY - 1).gone, []);
  assert.deepEqual(due(["f1"], first.since, 1_000 + DAY), { gone: ["f1"], since: {} });
});

test("what was named meanwhile begins its day anew", () => {
  const { since } = due([], { f1: 1_000 }, 1_000 + DAY);

  assert.deepEqual(due(["f1"], since, 2_000 + DAY), { gone: [], since: { f1: 2_000 + DAY } });
});

test("a clock that was set back makes nothing older or younger than it is", () => {
  assert.deepEqual(due(["f1"], { f1: 9 * DAY }, DAY), { gone: [], since: { f1: DAY } });
});
