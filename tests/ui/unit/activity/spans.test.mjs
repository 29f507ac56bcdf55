import assert from "node:assert/strict";
import test from "node:test";

import { OUTCOMES } from "../../../../proxy/src/switchyard_proxy/ui/activity/filters.js";
import { signOf, spansOf, speedOf } from "../../../../proxy/src/switchyard_proxy/ui/activity/spans.js";

const near = (spans) => Object.fromEntries(spans.map(({ name, s }) => [name, Number(s.toFixed(3))]));

test("the parts of a request are as long as the whole", () => {
  const spans = spansOf({ queue_s: 1, load_s: 4, first_s: 6, total_s: 10 });

  assert.deepEqual(near(spans), { queue: 1, load: 4, prompt: 1, answer: 4 });
  assert.equal(spans.reduce((sum, { share }) => sum + share, 0), 1);
});

test("what took no time is no part", () => {
  const spans = spansOf({ queue_s: null, load_s: 0, first_s: 0.5, total_s: 2 });

  assert.deepEqual(near(spans), { prompt: 0.5, answer: 1.5 });
});

test("a request that never got a first byte waited until its end", () => {
  const spans = spansOf({ queue_s: 2, load_s: null, first_s: null, total_s: 3 });

  assert.deepEqual(near(spans), { queue: 2, prompt: 1 });
});

test("a refusal at once has no parts", () => {
  assert.deepEqual(spansOf({ queue_s: null, load_s: null, first_s: 0, total_s: 0 }), []);
});

test("speed counts the engine's work, not the waiting", () => {
  assert.equal(speedOf({ queue_s: 5, load_s: 3, total_s: 10, tokens_out: 40 }), 20);
  assert.equal(speedOf({ queue_s: null, load_s: null, total_s: 1, tokens_out: null }), null);
});

test("every outcome has a sign of its own", () => {
  const glyphs = OUTCOMES.map((outcome) => signOf(outcome).glyph);

  assert.equal(new Set(glyphs).size, OUTCOMES.length);
  assert.equal(signOf("unheard of").glyph, "?");
});
