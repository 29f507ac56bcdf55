import assert from "node:assert/strict";
import { test } from "node:test";

import { fault, fitted, parsed, presetsFor, rounded, within } from "../../../../proxy/src/switchyard_proxy/ui/images/sizes.js";

test("presets have the model's area and can be drawn as they are", () => {
  for (const multiple of [16, 32]) {
    for (const one of presetsFor({ width: 1024, height: 1024 }, multiple)) {
      assert.equal(one.width % multiple + one.height % multiple, 0);
      assert.ok(Math.abs(one.width * one.height / 1024 ** 2 - 1) < 0.06, one.name);
    }
  }
});

test("the square preset is the model's own size", () => {
  assert.deepEqual(presetsFor({ width: 1328, height: 1328 }, 16)[0], { name: "1:1", width: 1328, height: 1328 });
});

test("a small model is offered no side below the least", () => {
  assert.ok(presetsFor({ width: 80, height: 80 }, 16).every((one) => fault(one) === null));
});

test("sizes are read however they are written", () => {
  assert.deepEqual(parsed(" 640 x 480 "), { width: 640, height: 480 });
  assert.deepEqual(parsed("640×480"), { width: 640, height: 480 });
  assert.equal(parsed("auto"), null);
  assert.equal(parsed("640"), null);
});

test("what cannot be drawn is named", () => {
  assert.equal(fault({ width: 63, height: 64 }), "size-small");
  assert.equal(fault({ width: 4097, height: 64 }), "size-large");
  assert.equal(fault({ width: 2049, height: 2048 }), "size-large");
  assert.equal(fault({ width: 2048, height: 2048 }), null);
  assert.equal(fault({ width: NaN, height: 64 }), "size-unreadable");
});

test("engines round down, so that is what is promised", () => {
  assert.deepEqual(rounded({ width: 1023, height: 1040 }, 32), { width: 992, height: 1024 });
});

test("an edit's usual size has the shape of its picture", () => {
  assert.deepEqual(fitted(1024 * 1024, { width: 1920, height: 1080 }), { width: 1376, height: 768 });
});

test("a picture fits its box at its own shape, and grows no more than it may", () => {
  assert.deepEqual(within({ width: 200, height: 100 }, { width: 100, height: 100 }), { width: 100, height: 50 });
  assert.deepEqual(within({ width: 10, height: 10 }, { width: 100, height: 100 }, 2), { width: 20, height: 20 });
});
