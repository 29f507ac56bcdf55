import assert from "node:assert/strict";
import test from "node:test";

import { advance, FOLLOWING, keyEvent } from "../../../../proxy/src/switchyard_proxy/ui/chat/follow.js";

const after = (...events) => events.reduce(advance, FOLLOWING);

test("what comes changes nothing while the end is followed", () => {
  assert.equal(after("came", "came"), FOLLOWING);
});

test("a reader who went up is told how much came since", () => {
  assert.deepEqual(after("left", "came", "came"), { follows: false, unseen: 2 });
});

test("going up again forgets nothing", () => {
  assert.deepEqual(after("left", "came", "left"), { follows: false, unseen: 1 });
});

test("the end by hand, the key and another conversation all follow again", () => {
  for (const event of ["reached", "asked", "opened"])
    assert.deepEqual(after("left", "came", event), FOLLOWING);
});

test("an unknown event is a fault", () => {
  assert.throws(() => advance(FOLLOWING, "scrolled"), /scrolled/);
});

test("keys that go up leave the end, End comes back, others mean nothing", () => {
  const means = (key, shiftKey = false) => keyEvent({ key, shiftKey });

  assert.deepEqual(
    ["PageUp", "Home", "ArrowUp"].map((key) => means(key)),
    ["left", "left", "left"],
  );
  assert.equal(means(" ", true), "left");
  assert.equal(means(" "), null);
  assert.equal(means("End"), "asked");
  assert.equal(means("a"), null);
});
