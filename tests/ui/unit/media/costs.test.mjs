import assert from "node:assert/strict";
import { test } from "node:test";

import { guessed, over, place, reckon, remedy } from "../../../../proxy/src/switchyard_proxy/ui/chat/costs.js";

const REPLY = {
  items: [
    { type: "image", tokens: 11_844, exact: true, param: "messages[1].content[1].image_url", width: 4032, height: 3024 },
    { type: "video", tokens: 9000, exact: true, param: "messages[1].content[3]" },
    { type: "text", tokens: 40, exact: true },
  ],
  ...{ total: 20_884, exact: true, context: 32_768, level: "warning", warning_above: 20_000, critical_above: 50_000 },
};
const PARAMS = new Map([["messages[1].content[1]", "photo"], ["messages[1].content[3]", "clip"]]);
const ITEMS = [{ id: "photo", kind: "image" }, { id: "clip", kind: "video" }];

test("each item's tokens stand under its own id, with or without the field's name in the path", () => {
  const { items, total } = reckon(REPLY, PARAMS);

  assert.equal(items.get("photo").tokens, 11_844);
  assert.equal(items.get("clip").tokens, 9000);
  assert.equal(total, 20_884);
  assert.equal(place("messages[0].content[2].video_url"), "messages[0].content[2]");
});

test("what was not asked about is added, and makes the whole an estimate", () => {
  const reckoning = reckon(REPLY, PARAMS, { beside: 30_000 });

  assert.deepEqual([reckoning.total, reckoning.exact, reckoning.level], [50_884, false, "critical"]);
});

test("what was counted apart is added, and as exact as it is itself", () => {
  const exact = reckon(REPLY, PARAMS, { apart: [{ tokens: 100, exact: true }] });
  const about = reckon(REPLY, PARAMS, { apart: [{ tokens: 100, exact: false }] });

  assert.deepEqual([exact.total, exact.exact, about.exact], [20_984, true, false]);
});

test("levels are those of the server, and over the context is always critical", () => {
  assert.equal(reckon({ ...REPLY, total: 20_000 }, PARAMS).level, "ok");
  assert.equal(reckon(REPLY, PARAMS).level, "warning");
  assert.equal(reckon({ ...REPLY, context: 8192, total: 9000 }, PARAMS).level, "critical");
});

test("nothing is over a context that nobody knows", () => {
  const reckoning = reckon({ ...REPLY, context: null }, PARAMS);

  assert.equal(over(reckoning), 0);
  assert.equal(remedy(ITEMS, reckoning), null);
});

test("a little too much is mended by the largest picture at a smaller size", () => {
  const reckoning = reckon({ ...REPLY, context: 16_000 }, PARAMS);

  const { kind, id, size } = remedy(ITEMS, reckoning);

  assert.deepEqual([kind, id], ["shrink", "photo"]);
  assert.ok((size.width / 32) * (size.height / 32) <= 11_844 - 4884);
});

test("where no picture can be made small enough, the smallest sufficient thing goes", () => {
  const tall = { ...REPLY, items: [REPLY.items[1], { ...REPLY.items[0], tokens: 64, width: 64, height: 64 }], context: 16_000 };

  assert.deepEqual(remedy(ITEMS, reckon(tall, PARAMS)), { kind: "remove", id: "clip" });
});

test("words alone can only be shortened", () => {
  const words = { ...REPLY, items: [], context: 16_000 };

  assert.deepEqual(remedy(ITEMS, reckon(words, PARAMS)), { kind: "text" });
});

test("a guess goes by bytes, so that other scripts are not taken for cheap", () => {
  assert.equal(guessed("abcdefgh"), 2);
  assert.equal(guessed("приветик"), 4);
});
