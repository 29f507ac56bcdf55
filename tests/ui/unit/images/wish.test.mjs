import assert from "node:assert/strict";
import { test } from "node:test";

import { abilitiesOf } from "../../../../proxy/src/switchyard_proxy/ui/images/abilities.js";
import { BLANK, faultsIn, fieldsOf, formEntries, newSeed, reused, revived, sigmasIn } from "../../../../proxy/src/switchyard_proxy/ui/images/wish.js";

const CAN = abilitiesOf({ capabilities: ["images", "image_edits"] }, {
  edits: true, from_words: true, masks: true, reference_images: 2, native_size: "256x256", size_multiple: 16,
  steps: { default: 4, fixed: false, least: 2 }, guidance: 1, loras: [],
});
const WISH = { ...BLANK, model: "paint", prompt: "a cat" };

const keys = (wish, abilities = CAN) => faultsIn(wish, abilities).map((one) => one.key);

test("a model and a prompt are enough", () => {
  assert.deepEqual(keys(WISH), []);
  assert.deepEqual(keys(BLANK), ["no-model", "no-prompt"]);
});

test("every number is held to what the engine takes", () => {
  assert.deepEqual(keys({ ...WISH, steps: 1 }), ["steps-range"]);
  assert.deepEqual(keys({ ...WISH, steps: 201 }), ["steps-range"]);
  assert.deepEqual(keys({ ...WISH, guidance: -1 }), ["guidance-range"]);
  assert.deepEqual(keys({ ...WISH, seed: 1.5 }), ["seed-range"]);
  assert.deepEqual(keys({ ...WISH, count: 11 }), ["count-range"]);
  assert.deepEqual(keys({ ...WISH, format: "webp", compression: 101 }), ["compression-range"]);
  assert.deepEqual(keys({ ...WISH, size: "63x64" }), ["size-small"]);
  assert.deepEqual(keys({ ...WISH, size: "huge" }), ["size-unreadable"]);
});

test("a negative prompt without guidance is told before it is sent", () => {
  assert.deepEqual(keys({ ...WISH, negative: "dogs" }), ["negative-unguided"]);
  assert.deepEqual(keys({ ...WISH, negative: "dogs", guidance: 4 }), []);
});

test("a negative prompt is let through where the model's guidance is not known", () => {
  assert.deepEqual(keys({ ...WISH, negative: "dogs" }, abilitiesOf({ capabilities: ["images"] }, null)), []);
});

test("an edit wants images, and no more than the model takes", () => {
  assert.deepEqual(keys({ ...WISH, mode: "edit" }), ["no-reference"]);
  assert.deepEqual(keys({ ...WISH, mode: "edit", references: ["a", "b"] }), []);
  assert.deepEqual(keys({ ...WISH, mode: "edit", references: ["a", "b", "c"] }), ["many-references"]);
  assert.deepEqual(keys({ ...WISH, mode: "edit", references: ["a"], strength: 0 }), ["strength-range"]);
});

test("a transparent jpeg is refused here, with both fields in sight", () => {
  assert.deepEqual(keys({ ...WISH, background: "transparent", format: "jpeg" }), ["no-transparent-jpeg"]);
});

test("sigmas fall from 1 towards 0", () => {
  assert.deepEqual(sigmasIn("1, 0.75 0.5;0.25"), [1, 0.75, 0.5, 0.25]);
  assert.deepEqual(sigmasIn("  "), []);
  assert.equal(sigmasIn("0.5, 0.75"), null);
  assert.equal(sigmasIn("1, x"), null);
});

test("what is left to the model is left out of the request", () => {
  assert.deepEqual(fieldsOf(WISH, { seed: 7, ours: true }), {
    model: "paint", prompt: "a cat", n: 1, size: "auto", seed: 7, output_format: "png",
    stream: true, partial_images: 2, progress: true,
  });
});

test("sigmas take the place of steps", () => {
  const fields = fieldsOf({ ...WISH, steps: 8, sigmas: "1 0.5" }, { seed: 7, ours: true });

  assert.deepEqual(fields.sigmas, [1, 0.5]);
  assert.ok(!("num_inference_steps" in fields));
});

test("strength belongs to edits only, and compression not to png", () => {
  const fields = fieldsOf({ ...WISH, strength: 0.5, compression: 80 }, { seed: 7, ours: true });

  assert.ok(!("strength" in fields) && !("output_compression" in fields));
});

test("an engine that is not ours is asked for whole pictures", () => {
  const fields = fieldsOf(WISH, { seed: 7, ours: false });

  assert.equal(fields.response_format, "b64_json");
  assert.ok(!("stream" in fields) && !("progress" in fields));
});

test("a form's values are text, and lists are JSON", () => {
  assert.deepEqual(formEntries({ n: 2, stream: true, sigmas: [1, 0.5] }), [
    ["n", "2"], ["stream", "true"], ["sigmas", "[1,0.5]"],
  ]);
});

test("a prompt, a seed or everything is used again", () => {
  const then = { ...WISH, prompt: "a dog", negative: "cats", steps: 9, count: 4, seed: 42 };

  assert.deepEqual(reused(WISH, then, "prompt"), { ...WISH, prompt: "a dog", negative: "cats" });
  assert.deepEqual(reused(WISH, then, "seed"), { ...WISH, seed: 42, locked: true });
  assert.deepEqual(reused(WISH, then, "all"), { ...then, seed: 42, locked: true, count: 1 });
});

test("whatever was kept comes back whole", () => {
  assert.deepEqual(revived(null), BLANK);
  assert.deepEqual(revived({ prompt: 7, steps: "many", references: "x", loras: {}, seed: 3, gone: 1 }), { ...BLANK, seed: 3 });
});

test("a new seed is a number of 32 bits", () => {
  assert.equal(newSeed((into) => into.fill(0xffffffff)), 4294967295);
});
