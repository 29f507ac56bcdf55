// What a browser keeps may be old, broken or written by somebody else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULTS, change, merge, read, settings } from "../../../../proxy/src/switchyard_proxy/ui/store/settings.js";

test("nothing kept, or nothing readable, means the defaults", () => {
  for (const text of [null, "", "{", "7", "null", "[]", '"x"']) assert.deepEqual(read(text), DEFAULTS);
});

test("what is known and of the right kind is taken, the rest is not", () => {
  const kept = read(JSON.stringify({ theme: "amber", density: "huge", scanlines: "yes", key: "sk-1", colour: "red" }));

  assert.deepEqual(kept, { ...DEFAULTS, theme: "amber", key: "sk-1" });
});

test("sampling keeps numbers and unset ones", () => {
  const kept = merge(DEFAULTS, { sampling: { temperature: 0.2, top_p: "0.9", seed: Number.NaN, wild: 1 } });

  assert.deepEqual(kept.sampling, { ...DEFAULTS.sampling, temperature: 0.2 });
  assert.equal(merge(kept, { sampling: { temperature: null } }).sampling.temperature, null);
});

test("settings are frozen, and a change makes new ones", () => {
  const before = settings.value;

  change({ theme: "paper" });

  assert.notEqual(settings.value, before);
  assert.equal(settings.value.theme, "paper");
  assert.throws(() => { settings.value.theme = "amber"; }, TypeError);
  assert.throws(() => { settings.value.sampling.seed = 1; }, TypeError);
});
