import assert from "node:assert/strict";
import { test } from "node:test";

import { abilitiesOf, whyNot } from "../../../../proxy/src/switchyard_proxy/ui/images/abilities.js";

const TOLD = {
  edits: true, from_words: true, masks: true, reference_images: 1, control_image: false, layers: false,
  transparent_background: false, native_size: "256x192", size_multiple: 16,
  steps: { default: 4, fixed: false, least: 2 }, guidance: 1, loras: ["ink"],
};
const BOTH = { capabilities: ["images", "image_edits"] };

test("what the engine tells is taken over", () => {
  const abilities = abilitiesOf(BOTH, TOLD);

  assert.deepEqual(abilities.native, { width: 256, height: 192 });
  assert.equal(abilities.references, 1);
  assert.deepEqual(abilities.loras, ["ink"]);
  assert.equal(abilities.known, true);
});

test("as long as the engine has said nothing, only the entry rules things out", () => {
  const abilities = abilitiesOf({ capabilities: ["images"] }, null);

  assert.equal(abilities.known, false);
  assert.equal(whyNot(abilities, "draw"), null);
  assert.equal(whyNot(abilities, "edit"), "no-edits");
  assert.equal(whyNot(abilities, "mask", 1), "no-edits");
  assert.equal(whyNot(abilities, "lora"), "not-known");
});

test("an entry that offers no edits closes what the engine could do", () => {
  const abilities = abilitiesOf({ capabilities: ["images"] }, TOLD);

  assert.equal(whyNot(abilities, "edit"), "no-edits");
  assert.equal(abilities.references, 0);
});

test("a mask wants a model that can, and exactly one image", () => {
  const abilities = abilitiesOf(BOTH, { ...TOLD, reference_images: 3 });
  const without = abilitiesOf(BOTH, { ...TOLD, masks: false });

  assert.equal(whyNot(abilities, "mask", 0), "no-image");
  assert.equal(whyNot(abilities, "mask", 1), null);
  assert.equal(whyNot(abilities, "mask", 2), "mask-one-image");
  assert.equal(whyNot(without, "mask", 1), "no-masks");
});

test("a model that only edits does not draw from words", () => {
  const abilities = abilitiesOf({ capabilities: ["image_edits"] }, { ...TOLD, from_words: false });

  assert.equal(whyNot(abilities, "draw"), "no-words");
});

test("steps, adapters and transparency are refused with a reason each", () => {
  const turbo = { ...TOLD, steps: { default: 8, fixed: true, least: 2 }, loras: [] };
  const abilities = abilitiesOf(BOTH, turbo);

  assert.equal(whyNot(abilities, "steps"), "fixed-steps");
  assert.equal(whyNot(abilities, "lora"), "no-loras");
  assert.equal(whyNot(abilities, "transparent"), "no-transparency");
});

test("asking for something unheard of is a mistake of ours", () => {
  assert.throws(() => whyNot(abilitiesOf(BOTH, TOLD), "sound"));
});
