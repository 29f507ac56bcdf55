import assert from "node:assert/strict";
import { test } from "node:test";

import { secondsLeft, shareIn, shareOfFiles } from "../../../../proxy/src/switchyard_proxy/ui/models/progress.js";

test("the share that is named last counts", () => {
  assert.equal(shareIn("weights 62 %"), 62);
  assert.equal(shareIn("downloading 3.1 of 8.2 GB, 38 %"), 38);
  assert.equal(shareIn("transformer 10 % vae 100%"), 100);
});

test("where no share is named none is made up", () => {
  assert.equal(shareIn("loading weights"), null);
  assert.equal(shareIn("KV cache 62,000 tokens"), null);
  assert.equal(shareIn("630 %"), null);
  assert.equal(shareIn(null), null);
});

test("what is left of an expected time runs out, and is then not known", () => {
  const model = { expected_s: 14, at: 100 };

  assert.equal(secondsLeft(model, 104), 10);
  assert.equal(secondsLeft(model, 120), null);
  assert.equal(secondsLeft({ expected_s: null, at: 100 }, 100), null);
});

test("a download's share is known when its size is", () => {
  assert.equal(shareOfFiles({ at: "fetching", done_bytes: 50, total_bytes: 200 }), 25);
  assert.equal(shareOfFiles({ at: "fetching", done_bytes: 50, total_bytes: null }), null);
  assert.equal(shareOfFiles(null), null);
});
