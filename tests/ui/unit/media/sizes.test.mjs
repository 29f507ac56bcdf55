import assert from "node:assert/strict";
import { test } from "node:test";

import { shrunkTo, SQUARE, within } from "../../../../proxy/src/switchyard_proxy/ui/media/sizes.js";
import { weigh, weightOf } from "../../../../proxy/src/switchyard_proxy/ui/media/weight.js";

test("a picture keeps its shape and never grows", () => {
  assert.deepEqual(within(4000, 2000, { side: 256 }), { width: 256, height: 128 });
  assert.deepEqual(within(100, 50, { side: 256 }), { width: 100, height: 50 });
  assert.deepEqual(within(2000, 2000, { pixels: 1_000_000 }), { width: 1000, height: 1000 });
});

test("a line of pixels does not vanish", () => {
  assert.deepEqual(within(10_000, 3, { side: 100 }), { width: 100, height: 1 });
});

test("a shrunk picture takes no more squares than it may", () => {
  for (const [width, height, most] of [[4032, 3024, 5000], [1920, 1080, 333], [640, 480, 64], [8000, 100, 200]]) {
    const tokens = Math.round(width / SQUARE) * Math.round(height / SQUARE);

    const size = shrunkTo({ width, height, tokens }, most);

    assert.ok(Math.ceil(size.width / SQUARE) * Math.ceil(size.height / SQUARE) <= most, JSON.stringify(size));
    assert.ok(size.width < width || size.height < height);
  }
});

test("what cannot be made small enough is not made smaller at all", () => {
  assert.equal(shrunkTo({ width: 640, height: 480, tokens: 300 }, 0), null);
  assert.equal(shrunkTo({ width: 640, height: 480, tokens: 300 }, -500), null);
  assert.equal(shrunkTo({ width: 32, height: 32, tokens: 64 }, 63), null);
});

test("a model that makes pictures smaller by itself gets one that is smaller still", () => {
  const size = shrunkTo({ width: 1280, height: 720, tokens: 252 }, 190);

  assert.ok((size.width / SQUARE) * (size.height / SQUARE) <= 190, JSON.stringify(size));
});

test("what takes no more than it may stays as it is", () => {
  assert.equal(shrunkTo({ width: 640, height: 480, tokens: 300 }, 300), null);
});

test("a file weighs a third more on the wire", () => {
  assert.ok(weightOf(3_000_000) > 4_000_000);
  assert.ok(weightOf(3_000_000) < 4_000_100);
});

test("what is over the limit is told in bytes, and an unknown limit lets all pass", () => {
  const files = [{ size: 30 * 1024 ** 2 }, { size: 30 * 1024 ** 2 }];

  assert.ok(weigh(files, 0, 64).over > 15 * 1024 ** 2);
  assert.equal(weigh(files, 0, 128).over, 0);
  assert.equal(weigh(files, 0, undefined).over, 0);
});
