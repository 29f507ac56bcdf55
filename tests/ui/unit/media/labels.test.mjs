import assert from "node:assert/strict";
import { test } from "node:test";

import { countMedia, labelsOf, MOST_LABEL, tidy } from "../../../../proxy/src/switchyard_proxy/ui/media/labels.js";

const image = (label) => ({ kind: "image", label });
const video = (label) => ({ kind: "video", label });

test("pictures and videos are counted apart, in their order", () => {
  assert.deepEqual(labelsOf([image(), video(), image()]), ["Image 1", "Video 1", "Image 2"]);
});

test("counting goes on where the conversation stopped", () => {
  assert.deepEqual(labelsOf([image(), video()], { image: 2, video: 1 }), ["Image 3", "Video 2"]);
});

test("an own label takes the place of a number, which the next one does not take over", () => {
  assert.deepEqual(labelsOf([image("Front view"), image()]), ["Front view", "Image 2"]);
});

test("a label is one line, without the colon that comes anyway, and not endless", () => {
  assert.equal(tidy("  Front\n view : "), "Front view");
  assert.equal(tidy("x".repeat(500)).length, MOST_LABEL);
  assert.equal(tidy(null), "");
});

test("a label of nothing but spaces is no label", () => {
  assert.deepEqual(labelsOf([image("  :  ")]), ["Image 1"]);
});

test("media are counted in stored messages, and words are not", () => {
  const messages = [
    { role: "system", content: "be brief" },
    { role: "user", content: [{ type: "text", text: "a" }, { type: "image_url", file: "1" }, { type: "video_url", file: "2" }] },
    { role: "assistant", content: null },
    { role: "user", content: [{ type: "image_url", file: "3" }] },
  ];

  assert.deepEqual(countMedia(messages), { image: 2, video: 1 });
});
