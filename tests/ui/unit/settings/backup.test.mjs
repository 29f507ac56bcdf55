import assert from "node:assert/strict";
import test from "node:test";

import {
  BadBackup, counts, pack, unpack,
} from "../../../../proxy/src/switchyard_proxy/ui/settings/backup.js";

const FACTS = { settings: { theme: "paper", key: "sy-secret" }, at: 1_790_000_000 };
const SHELVES = {
  conversations: [{ id: "c1", title: "Привет" }],
  pictures: [
    { id: 7, thumb: new Blob(["small"], { type: "image/png" }), params: { seeds: [1, 2], none: null } },
  ],
  masks: [],
};
const known = ["conversations", "pictures", "masks"];
const refused = (code) => (error) => error instanceof BadBackup && error.code === code;
const file = (head, ...rest) => {
  const text = JSON.stringify(head);
  return new Blob([`switchyard-backup 1 ${new TextEncoder().encode(text).length}\n`, text, ...rest]);
};

test("what was packed comes out as it was, blobs and all", async () => {
  const found = await unpack(pack(SHELVES, FACTS), known);

  assert.equal(found.at, FACTS.at);
  assert.deepEqual(found.shelves.conversations, SHELVES.conversations);
  assert.deepEqual(found.shelves.pictures[0].params, SHELVES.pictures[0].params);
  assert.equal(await found.shelves.pictures[0].thumb.text(), "small");
  assert.equal(found.shelves.pictures[0].thumb.type, "image/png");
});

test("the key never leaves", async () => {
  const packed = pack(SHELVES, FACTS);

  assert.doesNotMatch(await packed.text(), /sy-secret/);
  assert.deepEqual((await unpack(packed, known)).settings, { theme: "paper" });
});

test("a file cannot bring a key", async () => {
  const brought = file({ shelves: {}, blobs: [], settings: { key: "theirs", theme: "amber" } });

  assert.deepEqual((await unpack(brought, known)).settings, { theme: "amber" });
});

test("another program's file is refused", async () => {
  await assert.rejects(unpack(new Blob(["PK\u0003\u0004"]), known), refused("not_ours"));
  await assert.rejects(unpack(new Blob([""]), known), refused("not_ours"));
});

test("a newer version's file is refused", async () => {
  await assert.rejects(unpack(new Blob(["switchyard-backup 2 2\n{}"]), known), refused("newer"));
});

test("a file that was cut is refused as a whole", async () => {
  const whole = pack(SHELVES, FACTS);

  await assert.rejects(unpack(whole.slice(0, whole.size - 1), known), refused("broken"));
  await assert.rejects(unpack(whole.slice(0, 60), known), refused("broken"));
});

test("a store that is not here, and what is no record, is left out", async () => {
  const conversations = [5, null, { noId: 1 }, { id: "ok" }];
  const brought = file({ shelves: { secrets: [{ id: 1 }], conversations }, blobs: [] });

  assert.deepEqual((await unpack(brought, ["conversations"])).shelves, { conversations: [{ id: "ok" }] });
});

test("a page among the pictures loses its kind", async () => {
  const brought = file(
    { shelves: { pictures: [{ id: 1, blob: { $blob: 0 } }] }, blobs: [{ size: 3, type: "text/html" }] },
    "<b>",
  );

  const { shelves } = await unpack(brought, ["pictures"]);

  assert.equal(shelves.pictures[0].blob.type, "application/octet-stream");
});

test("a blob that lies beyond the file's end is refused", async () => {
  const brought = file({ shelves: { pictures: [] }, blobs: [{ size: 99, type: "image/png" }] }, "abc");

  await assert.rejects(unpack(brought, ["pictures"]), refused("broken"));
});

test("counted is what there is", () => {
  assert.deepEqual(counts(SHELVES), { conversations: 1, pictures: 1 });
});
