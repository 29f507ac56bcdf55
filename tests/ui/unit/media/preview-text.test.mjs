import assert from "node:assert/strict";
import { test } from "node:test";

import { previewText, shortAddress } from "../../../../proxy/src/switchyard_proxy/ui/chat/preview-text.js";

test("data is shown by its beginning and its size", () => {
  const head = Uint8Array.from([0x89, 0x50, 0x4e, 0x47]);

  assert.equal(shortAddress("image/png", head, "1.2 MiB"), "data:image/png;base64,iVBORw… (1.2 MiB)");
});

test("the content is JSON as it goes over the wire, with long texts cut", () => {
  const content = [{ type: "text", text: "x".repeat(2500) }, { type: "text", text: "short" }];

  const shown = JSON.parse(previewText(content, (n) => `${n} more`));

  assert.equal(shown[0].text, `${"x".repeat(2000)}… (500 more)`);
  assert.deepEqual(shown[1], content[1]);
});
