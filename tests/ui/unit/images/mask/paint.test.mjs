import assert from "node:assert/strict";
import { test } from "node:test";

import { asMask, marked, paintAll } from "../../../../../proxy/src/switchyard_proxy/ui/images/mask/paint.js";
import { EMPTY, done } from "../../../../../proxy/src/switchyard_proxy/ui/images/mask/strokes.js";

/** A canvas that remembers what it was told. */
function remembering() {
  const told = [];
  const note = (name) => (...values) => told.push([name, ...values]);
  const names = ["clearRect", "fillRect", "beginPath", "moveTo", "lineTo", "stroke", "arc", "fill", "save", "restore"];
  const context = Object.fromEntries(names.map((name) => [name, note(name)]));
  context.canvas = { width: 8, height: 4 };
  context.stroke = () => told.push(["stroke", context.globalCompositeOperation ?? "source-over", context.lineWidth]);
  return { context, told };
}

test("only what stands is painted, in order", () => {
  const { context, told } = remembering();
  let mask = done(EMPTY, { kind: "brush", size: 9, points: [0, 0] });
  mask = done(mask, { kind: "clear" });
  mask = done(mask, { kind: "brush", size: 3, points: [1, 1, 2, 2] });
  mask = done(mask, { kind: "erase", size: 5, points: [2, 2, 3, 3] });

  paintAll(context, mask, "#fff");

  const strokes = told.filter(([name]) => name === "stroke");
  assert.deepEqual(strokes, [["stroke", "source-over", 3], ["stroke", "destination-out", 5]]);
});

test("a single touch leaves a dot", () => {
  const { context, told } = remembering();

  paintAll(context, done(EMPTY, { kind: "brush", size: 3, points: [1, 1] }), "#fff");

  const [, x, y, radius] = told.find(([name]) => name === "arc");
  assert.deepEqual([x, y, radius], [1, 1, 1.5]);
  assert.ok(told.some(([name]) => name === "fill") && !told.some(([name]) => name === "stroke"));
});

test("what is marked becomes transparent, all else white, and nothing is in between", () => {
  const pixels = new Uint8ClampedArray([9, 9, 9, 255, 0, 0, 0, 0, 9, 9, 9, 127, 9, 9, 9, 128]);
  assert.equal(marked(pixels), 2);

  asMask(pixels);

  assert.deepEqual([...pixels], [0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]);
});
