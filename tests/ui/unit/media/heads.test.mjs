import assert from "node:assert/strict";
import { test } from "node:test";

import { crc32 } from "node:zlib";

import { emptyPng, isHeavy, videoHead } from "../../../../proxy/src/switchyard_proxy/ui/media/heads.js";

const box = (kind, content) => {
  const bytes = Buffer.from(content);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(bytes.length + 8);
  head.write(kind, 4);
  return Buffer.concat([head, bytes]);
};
const text = async (blob) => Buffer.from(await blob.arrayBuffer()).toString("latin1");

test("an empty PNG says how large it is, with right checksums", async () => {
  const bytes = Buffer.from(emptyPng(4032, 3024).split(",")[1], "base64");

  assert.equal(bytes.readUInt32BE(16), 4032);
  assert.equal(bytes.readUInt32BE(20), 3024);
  if (crc32) assert.equal(bytes.readUInt32BE(29), crc32(bytes.subarray(12, 29)));
  assert.equal(bytes.subarray(-12).toString("hex"), "0000000049454e44ae426082");
});

test("a film is left out of a video, wherever it stands, and the tables stay", async () => {
  const whole = Buffer.concat([box("ftyp", "isom"), box("mdat", "x".repeat(5000)), box("moov", "tables")]);

  const head = await videoHead(new Blob([whole], { type: "video/mp4" }));

  assert.equal(await text(head), Buffer.concat([box("ftyp", "isom"), box("moov", "tables")]).toString("latin1"));
  assert.equal(head.type, "video/mp4");
});

test("a film with a long length field is left out, too", async () => {
  const long = Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from("mdat"), Buffer.alloc(8), Buffer.alloc(100)]);
  long.writeBigUInt64BE(BigInt(long.length), 8);
  const whole = Buffer.concat([box("ftyp", "isom"), long, box("moov", "tables")]);

  assert.equal((await videoHead(new Blob([whole], { type: "video/mp4" }))).size, whole.length - long.length);
});

test("a file that makes no sense goes whole rather than empty", async () => {
  const blob = new Blob([Buffer.alloc(64)], { type: "video/mp4" });

  assert.equal(await videoHead(blob).then((head) => head.size), 64);
});

test("other kinds go whole, and the large ones of them are heavy", async () => {
  const film = new Blob([Buffer.alloc(300 * 1024)], { type: "video/webm" });

  assert.equal(await videoHead(film), film);
  assert.equal(isHeavy(film), true);
  assert.equal(isHeavy(new Blob(["x"], { type: "video/webm" })), false);
  assert.equal(isHeavy({ type: "video/mp4", size: 1e9 }), false);
});
