import assert from "node:assert/strict";
import { test } from "node:test";

import { kindOf, sniff } from "../../../../proxy/src/switchyard_proxy/ui/media/kinds.js";

const bytes = (...parts) => Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...part].map((c) => c.charCodeAt(0)) : part)));
const ftyp = (...brands) => bytes([0, 0, 0, 8 + 4 * (brands.length + 1)], "ftyp", brands[0], [0, 0, 0, 0], ...brands.slice(1));
const file = (head, name = "a", type = "") => ({ name, type, head, size: head.length });

test("a picture is known by its bytes, whatever its name and type say", () => {
  const png = bytes("\x89PNG\r\n\x1a\n", [0, 0, 0, 13]);

  assert.deepEqual(kindOf(file(png, "notes.txt", "text/plain")), { kind: "image", type: "image/png", redraw: false });
});

test("what servers read goes as it is, and what only browsers show is drawn anew", () => {
  for (const [head, type] of [
    [bytes([0xff, 0xd8, 0xff, 0xe0]), "image/jpeg"],
    [bytes("GIF89a"), "image/gif"],
    [bytes("RIFF", [1, 2, 3, 4], "WEBPVP8 "), "image/webp"],
    [bytes("BM", new Array(12).fill(0), [40, 0, 0, 0]), "image/bmp"],
    [bytes("II*\0", [8, 0, 0, 0]), "image/tiff"],
  ]) {
    assert.deepEqual(kindOf(file(head)), { kind: "image", type, redraw: false });
  }
  assert.equal(kindOf(file(ftyp("avif", "mif1"))).redraw, true);
  assert.equal(kindOf(file(bytes('<?xml version="1.0"?>\n<svg xmlns="x">'))).redraw, true);
});

test("an HEIC photo is told from AVIF, MP4 and MOV, which have the same boxes", () => {
  assert.equal(sniff(ftyp("heic", "mif1", "heic")), "image/heic");
  assert.equal(sniff(ftyp("mif1", "heic", "miaf")), "image/heic");
  assert.equal(sniff(ftyp("mif1", "avif", "miaf")), "image/avif");
  assert.equal(sniff(ftyp("isom", "iso2", "mp41")), "video/mp4");
  assert.equal(sniff(ftyp("qt  ", "qt  ")), "video/quicktime");
  assert.equal(sniff(ftyp("M4A ", "mp42")), "audio/mp4");
});

test("a brand that stands behind the box of brands counts for nothing", () => {
  const head = bytes([...ftyp("isom", "mp41")], "avifheic");

  assert.equal(sniff(head), "video/mp4");
});

test("webm and matroska are told apart", () => {
  const ebml = [0x1a, 0x45, 0xdf, 0xa3];

  assert.equal(sniff(bytes(ebml, "....webm")), "video/webm");
  assert.equal(sniff(bytes(ebml, "....matroska")), "video/x-matroska");
});

test("text is taken by its name, its type, or because it reads like text", () => {
  assert.equal(kindOf(file(bytes("x = 1"), "a.py")).kind, "text");
  assert.equal(kindOf(file(bytes("x = 1"), "Makefile")).kind, "text");
  assert.equal(kindOf(file(new TextEncoder().encode("привет"), "a")).kind, "text");
});

test("a letter that is cut in the middle does not make a text unreadable", () => {
  const whole = new TextEncoder().encode("привет");

  assert.equal(kindOf(file(whole.subarray(0, whole.length - 1), "a")).kind, "text");
});

test("what cannot be sent is refused with the reason", () => {
  const reason = (head, name, type) => kindOf(file(head, name, type)).reason;

  assert.equal(reason(bytes(), "a.png"), "empty");
  assert.equal(reason(bytes("%PDF-1.7"), "a.pdf"), "pdf");
  assert.equal(reason(bytes("ID3\x04"), "a.mp3"), "audio");
  assert.equal(reason(bytes("PK\x03\x04", [0, 0]), "a.zip"), "unknown");
  assert.equal(reason(bytes([0, 1, 2]), "a.wma", "audio/x-ms-wma"), "audio");
});

test("a page that merely mentions svg is text", () => {
  assert.equal(kindOf(file(bytes("About <svg> elements"), "a.md")).kind, "text");
});
