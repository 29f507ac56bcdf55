import assert from "node:assert/strict";
import { test } from "node:test";

import { brushStep, fit, panned, pinched, snapped, toFrame, toImage, zoomed } from "../../../../../proxy/src/switchyard_proxy/ui/images/mask/geometry.js";

const IMAGE = { width: 200, height: 100 };
const FRAME = { width: 400, height: 400 };
const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("a picture that fits is whole and in the middle", () => {
  assert.deepEqual(fit(IMAGE, FRAME), { scale: 2, x: 0, y: 100 });
});

test("the way to the picture's pixels and back leads to the same place", () => {
  const view = { scale: 1.7, x: 13, y: -40 };
  const there = toFrame(view, toImage(view, { x: 99, y: 7 }));

  close(there.x, 99);
  close(there.y, 7);
});

test("what is under the pointer stays there while zooming", () => {
  const view = fit(IMAGE, FRAME);
  const before = toImage(view, { x: 300, y: 200 });

  const after = toImage(zoomed(view, { x: 300, y: 200 }, 3, IMAGE, FRAME), { x: 300, y: 200 });

  close(after.x, before.x);
  close(after.y, before.y);
});

test("zooming ends somewhere, in both directions", () => {
  let view = fit(IMAGE, FRAME);
  for (let i = 0; i < 50; i += 1) view = zoomed(view, { x: 200, y: 200 }, 2, IMAGE, FRAME);
  assert.equal(view.scale, 64);
  for (let i = 0; i < 99; i += 1) view = zoomed(view, { x: 200, y: 200 }, 0.5, IMAGE, FRAME);
  assert.equal(view.scale, 0.5);
});

test("a picture cannot be pushed out of sight", () => {
  const far = panned(fit(IMAGE, FRAME), { x: 1e6, y: -1e6 }, IMAGE, FRAME);

  assert.equal(far.x, 400 - 48);
  assert.equal(far.y, 48 - 200);
});

test("what two fingers hold stays between them", () => {
  const view = fit(IMAGE, FRAME);
  const from = [{ x: 150, y: 200 }, { x: 250, y: 200 }];
  const to = [{ x: 110, y: 220 }, { x: 310, y: 220 }];
  const under = toImage(view, { x: 200, y: 200 });

  const after = toImage(pinched(view, from, to, IMAGE, FRAME), { x: 210, y: 220 });

  close(after.x, under.x);
  close(after.y, under.y);
});

test("a brush goes down to one pixel, step by step, and up again the same way", () => {
  let size = 64;
  const seen = [size];
  while (size > 1) seen.push((size = brushStep(size, -1)));

  assert.deepEqual(seen.slice(-4), [4, 3, 2, 1]);
  assert.equal(brushStep(1, -1), 1);
  assert.equal(brushStep(1, 1), 2);
  assert.equal(brushStep(2048, 1), 2048);
  assert.equal(brushStep(brushStep(20, 1), -1), 20);
});

test("a brush of one pixel covers that pixel and no half of another", () => {
  assert.deepEqual(snapped({ x: 10, y: 20.99 }, 1), { x: 10.5, y: 20.5 });
  assert.deepEqual(snapped({ x: 10.4, y: 20.6 }, 2), { x: 10, y: 21 });
});
