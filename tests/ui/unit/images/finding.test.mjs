import assert from "node:assert/strict";
import { test } from "node:test";

import { matches, neighbour, windowOf } from "../../../../proxy/src/switchyard_proxy/ui/images/finding.js";

const PICTURE = { params: { prompt: "A lighthouse at dawn", negative: "fog", model: "paint" }, seed: 4711 };

test("every word must be somewhere, in any case and order", () => {
  assert.ok(matches(PICTURE, "dawn LIGHT"));
  assert.ok(matches(PICTURE, "4711"));
  assert.ok(matches(PICTURE, "paint fog"));
  assert.ok(matches(PICTURE, "  "));
  assert.ok(!matches(PICTURE, "dawn dusk"));
});

test("a picture without parameters is found by nothing and breaks nothing", () => {
  assert.ok(!matches({}, "x"));
});

test("of many pictures only those on the screen are there", () => {
  const seen = windowOf({ top: 5000, height: 600, width: 640, cell: 150, gap: 10, count: 10_000 });

  assert.equal(seen.columns, 4);
  assert.equal(seen.first % 4, 0);
  assert.ok(seen.last - seen.first <= 4 * 8);
  assert.ok(seen.before > 4000 && seen.after > 100_000);
});

test("the ends of the list are reached", () => {
  const grid = { height: 600, width: 640, cell: 150, gap: 10, count: 10 };

  assert.equal(windowOf({ ...grid, top: 0 }).first, 0);
  assert.deepEqual([windowOf({ ...grid, top: 0 }).last, windowOf({ ...grid, top: 0 }).after], [10, 0]);
  assert.equal(windowOf({ ...grid, top: 1e6 }).last, 10);
  assert.equal(windowOf({ ...grid, top: 0, count: 0 }).last, 0);
  assert.equal(windowOf({ ...grid, top: -400, count: 10 }).first, 0);
});

test("a narrow screen has one column", () => {
  assert.equal(windowOf({ top: 0, height: 600, width: 100, cell: 150, gap: 10, count: 3 }).columns, 1);
});

test("arrows walk the grid and stop at its edges", () => {
  assert.equal(neighbour("ArrowDown", 1, 4, 10), 5);
  assert.equal(neighbour("ArrowDown", 8, 4, 10), 8);
  assert.equal(neighbour("ArrowLeft", 0, 4, 10), 0);
  assert.equal(neighbour("End", 0, 4, 10), 9);
  assert.equal(neighbour("Home", 7, 4, 10), 0);
});
