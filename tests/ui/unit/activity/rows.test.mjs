import assert from "node:assert/strict";
import test from "node:test";

import {
  arrived, begun, continued, EMPTY, missing, shown,
} from "../../../../proxy/src/switchyard_proxy/ui/activity/rows.js";

const row = (id) => ({ id });
const ids = (rows) => rows.map((one) => one.id);
const page = (ids_, before = null) => ({ requests: ids_.map(row), before });

test("a page follows a page, each row once", () => {
  const list = continued(begun(page([9, 8, 7], 7)), page([7, 6], null));

  assert.deepEqual(ids(list.rows), [9, 8, 7, 6]);
  assert.equal(list.before, null);
});

test("a request that ended stands first", () => {
  assert.deepEqual(ids(arrived(begun(page([2, 1])), row(3), false).rows), [3, 2, 1]);
});

test("while somebody reads, news wait and nothing moves", () => {
  const before = begun(page([2, 1]));

  const list = arrived(arrived(before, row(3), true), row(4), true);

  assert.equal(list.rows, before.rows);
  assert.deepEqual(ids(list.held), [4, 3]);
  assert.deepEqual(ids(shown(list).rows), [4, 3, 2, 1]);
  assert.deepEqual(shown(list).held, []);
});

test("what waited comes with the next one that need not wait", () => {
  const list = arrived(arrived(begun(page([1])), row(2), true), row(3), false);

  assert.deepEqual(ids(list.rows), [3, 2, 1]);
});

test("a row that is told twice is there once", () => {
  const list = arrived(begun(page([1])), row(2), true);

  assert.equal(arrived(list, row(2), true), list);
  assert.equal(arrived(list, row(1), false), list);
});

test("the list does not grow without end, and its end can be read on from", () => {
  let list = EMPTY;
  for (let id = 1; id <= 2_005; id += 1) list = arrived(list, row(id), false);

  assert.equal(list.rows.length, 2_000);
  assert.equal(list.before, 6);
});

test("news come after what the page tells, though it may show none of it, and after what waits", () => {
  const list = begun({ ...page([]), newest: 4 });

  assert.equal(EMPTY.newest, null);
  assert.equal(list.newest, 4);
  assert.equal(arrived(list, row(5), true).newest, 5);
  assert.equal(arrived(list, row(6), false).newest, 6);
});

test("what the proxy left out is counted", () => {
  assert.equal(missing(missing(EMPTY, 3), 4).missed, 7);
});
