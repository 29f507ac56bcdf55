import assert from "node:assert/strict";
import { test } from "node:test";

import { fileName } from "../../../../proxy/src/switchyard_proxy/ui/images/naming.js";

const named = (prompt, more = {}) => fileName({ prompt, seed: 7, type: "image/png", ...more });

test("a picture is called after its prompt and seed", () => {
  assert.equal(named("A lighthouse, at dawn!"), "a-lighthouse-at-dawn-7.png");
  assert.equal(named("Маяк на рассвете", { type: "image/jpeg" }), "маяк-на-рассвете-7.jpg");
  assert.equal(named("x", { layer: 2, type: "image/webp" }), "x-7-layer2.webp");
});

test("nothing of a prompt leads out of the folder or names a device", () => {
  assert.equal(named("../../etc/passwd"), "etc-passwd-7.png");
  assert.equal(named("con"), "picture-con-7.png");
  assert.equal(named("<script>"), "script-7.png");
  assert.equal(named("!!!"), "picture-7.png");
});

test("a long prompt makes a short name that ends with a whole word", () => {
  const name = named("word ".repeat(100));

  assert.ok(name.length < 75);
  assert.match(name, /-word-7\.png$/);
});
