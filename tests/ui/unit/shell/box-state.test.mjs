// The field for commands: what each key makes of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  begin, hide, isWalking, move, recall, type,
} from "../../../../proxy/src/switchyard_proxy/ui/shell/box-state.js";

test("a line at the foot offers nothing before something is typed, a palette does", () => {
  assert.deepEqual([begin(false).isOpen, begin(false).chosen], [false, -1]);
  assert.deepEqual([begin(true).isOpen, begin(true).chosen], [true, 0]);
  assert.ok(type(begin(false), "lo").isOpen);
  assert.ok(!type(begin(false), " ").isOpen);
});

test("typing puts out the choice that was lit, and ends a walk", () => {
  const walked = recall(move(type(begin(false), "lo"), 1, 3), ["new"], 1);

  assert.deepEqual([walked.at, walked.line], [0, "new"]);
  assert.deepEqual(type(walked, "news"), type(begin(false), "news"));
});

test("choices go round, in both directions", () => {
  const box = type(begin(false), "l");

  assert.equal(move(box, 1, 3).chosen, 0);
  assert.equal(move(box, -1, 3).chosen, 2);
  assert.equal(move(move(box, -1, 3), 1, 3).chosen, 0);
});

test("a walk leads back to what was being typed", () => {
  const box = type(begin(false), "the");

  const back = recall(recall(box, ["new"], 1), ["new"], -1);

  assert.equal(back.line, "the");
  assert.ok(!isWalking(back, 2));
});

test("arrows walk through old lines where nothing is offered, and while such a walk goes on", () => {
  assert.ok(isWalking(begin(false), 0));
  assert.ok(isWalking(recall(begin(false), ["new"], 1), 4));
  assert.ok(!isWalking(type(begin(false), "n"), 4));
});

test("what is always open is not hidden", () => {
  assert.ok(hide(begin(true)).isOpen);
  assert.ok(!hide(type(begin(false), "n")).isOpen);
});
