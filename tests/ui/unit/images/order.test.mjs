import assert from "node:assert/strict";
import { test } from "node:test";

import {
  again, ended, isOver, mayTake, moved, newOrder, next, placeOf, remaining, share, sizeHint, told,
} from "../../../../proxy/src/switchyard_proxy/ui/images/order.js";

const order = (more = {}) => ({ ...newOrder({ id: "a", at: 1, wish: {}, seed: 7, ours: true }), ...more });
const step = (n, total = 10) => ({ type: "image_generation.progress", step: n, total });

test("an order that is over does not move, and an illegal move changes nothing", () => {
  const done = order({ phase: "done" });

  assert.throws(() => moved(done, "drawing"));
  assert.throws(() => moved(order(), "drawing"));
  assert.equal(done.phase, "done");
});

test("the first sign of the engine makes it drawing", () => {
  const drawing = told(order({ phase: "asking" }), step(1), 100);

  assert.equal(drawing.phase, "drawing");
  assert.equal(drawing.startedAt, 100);
  assert.deepEqual([drawing.step, drawing.total], [1, 10]);
});

test("previews and finished pictures tell the real size", () => {
  const preview = { type: "image_edit.partial_image", size: "96x64", b64_json: "…" };
  const drawing = told(order({ phase: "asking" }), preview, 1);
  const drawn = told(drawing, { type: "image_edit.completed", size: "96x64" }, 2);

  assert.deepEqual(drawing.size, { width: 96, height: 64 });
  assert.equal(drawn.drawn, 1);
});

test("news after the end, and news that nobody knows, change nothing", () => {
  const failed = order({ phase: "failed" });
  const asking = order({ phase: "asking" });

  assert.equal(told(failed, step(3), 1), failed);
  assert.equal(told(asking, { type: "image_generation.sound" }, 1), asking);
});

test("what remains is told by the pace of the latest steps", () => {
  let drawing = order({ phase: "asking" });
  for (const [at, n] of [[10, 1], [12, 2], [14, 3]]) drawing = told(drawing, step(n), at);

  assert.equal(remaining(drawing, 14), 14);
  assert.equal(remaining(drawing, 15), 13);
  assert.equal(remaining(drawing, 1000), 0);
});

test("steps that are read again all at once tell nothing of the pace", () => {
  let drawing = order({ phase: "asking" });
  for (const [at, n] of [[10, 1], [10.01, 2], [10.02, 5], [12, 6], [14, 7]]) drawing = told(drawing, step(n), at);

  assert.equal(remaining(drawing, 14), 6);
});

test("without a pace nothing is promised", () => {
  assert.equal(remaining(order(), 5), null);
  assert.equal(remaining(told(order({ phase: "asking" }), step(1), 5), 6), null);
});

test("orders are served one at a time, the oldest first", () => {
  const queue = [order({ id: "b", at: 2 }), order({ id: "a", at: 1 })];

  assert.equal(next(queue).id, "a");
  assert.equal(next([queue[0], { ...queue[1], phase: "drawing" }]), null);
  assert.equal(next([queue[0], { ...queue[1], phase: "failed" }]).id, "b");
  assert.equal(next([]), null);
  assert.equal(placeOf(queue, queue[0]), 1);
});

test("an end has a time and a reason, and comes once", () => {
  const failed = ended(order({ phase: "drawing" }), "failed", 9, { code: "x", message: "m" });

  assert.equal(failed.endedAt, 9);
  assert.ok(isOver(failed));
  assert.throws(() => ended(failed, "done", 10));
});

test("the same again has the same seed and nothing of what went wrong", () => {
  const fresh = again(order({ phase: "failed", step: 4, trouble: { code: "x", message: "m" } }), { id: "b", at: 5 });

  assert.deepEqual([fresh.id, fresh.at, fresh.seed, fresh.phase, fresh.step, fresh.trouble], ["b", 5, 7, "queued", 0, null]);
});

test("a picture has its room before it is there", () => {
  const abilities = { native: { width: 256, height: 256 }, multiple: 16 };
  const sized = (size, more) => order({ wish: { size }, ...more });

  assert.deepEqual(sizeHint(sized("auto"), abilities), { width: 256, height: 256 });
  assert.deepEqual(sizeHint(sized("100x90"), abilities), { width: 96, height: 80 });
  assert.deepEqual(sizeHint(sized("auto", { shape: { width: 200, height: 100 } }), abilities), { width: 352, height: 192 });
  assert.deepEqual(sizeHint(sized("auto", { size: { width: 8, height: 8 } }), abilities), { width: 8, height: 8 });
});

test("an order belongs to one tab, until that tab is silent", () => {
  const mine = order({ owner: "a", beat: 100 });

  assert.ok(mayTake(mine, "a", 101));
  assert.ok(!mayTake(mine, "b", 101));
  assert.ok(mayTake(mine, "b", 113));
  assert.ok(mayTake({ ...mine, owner: null }, "b", 101));
  assert.ok(!mayTake({ ...mine, phase: "done" }, "a", 101));
});

test("a share is known once the number of steps is", () => {
  assert.equal(share(order({ step: 3, total: 12 })), 0.25);
  assert.equal(share(order()), 0);
});
