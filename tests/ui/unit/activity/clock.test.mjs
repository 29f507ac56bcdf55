import assert from "node:assert/strict";
import test from "node:test";

import { clock, iso, whole } from "../../../../proxy/src/switchyard_proxy/ui/activity/clock.js";

const NOON = new Date(2026, 10, 21, 12, 0, 0).getTime() / 1000;

test("of today only the time is told", () => {
  assert.equal(clock(NOON - 5, NOON, "ru"), "11:59:55");
});

test("of another day the date is told, too", () => {
  const told = clock(NOON - 86_400, NOON, "ru");

  assert.match(told, /20/);
  assert.match(told, /12:00:00$/);
});

test("the same moment is told in the reader's language, and to machines in theirs", () => {
  assert.notEqual(whole(NOON, "ru"), whole(NOON, "en"));
  assert.equal(iso(0), "1970-01-01T00:00:00.000Z");
});
