import assert from "node:assert/strict";
import test from "node:test";

import { speed } from "../../../../proxy/src/switchyard_proxy/ui/chat/speed.js";

const ANSWER = { asked: 1_000, first: 2_000, since: 2_000, ended: 4_000, usage: { made: 101, read: 9 } };

test("the rate counts the tokens after the first, over the time in which they came", () => {
  const { rate, first, took, tokens, read, isExact } = speed(ANSWER);

  assert.deepEqual(
    { rate, first, took, tokens, read, isExact },
    { rate: 50, first: 1, took: 3, tokens: 101, read: 9, isExact: true },
  );
});

test("without the engine's count the pieces are counted, and it is said", () => {
  const { tokens, isExact } = speed({ ...ANSWER, usage: null, pieces: 12 });

  assert.deepEqual([tokens, isExact], [12, false]);
});

test("nobody knows how fast it was that ended unheard", () => {
  const { rate, took, tokens } = speed({ ...ANSWER, lookedAway: true });

  assert.deepEqual([rate, took, tokens], [null, null, 101]);
});

test("the rest of an answer is measured by itself", () => {
  assert.equal(speed({ ...ANSWER, before: 60 }).rate, 20);
});

test("one that grows is measured until now, and one that has not begun not at all", () => {
  assert.equal(speed({ asked: 0, first: 1_000, since: 1_000, pieces: 11 }, 2_000).rate, 10);
  assert.deepEqual(speed({ asked: 1_000 }, 2_000), {
    tokens: null,
    isExact: false,
    read: null,
    first: null,
    took: 1,
    rate: null,
  });
});
