import assert from "node:assert/strict";
import { test } from "node:test";

import { filesOf, pastedFiles } from "../../../../proxy/src/switchyard_proxy/ui/media/pick.js";

const picture = (name) => new File(["x"], name, { type: "image/png" });

test("dropped files keep their order, and nameless ones get a name", () => {
  const files = filesOf({ files: [picture("b.png"), picture(""), picture("a.png")] });

  assert.deepEqual(files.map((file) => file.name), ["b.png", "pasted-2.png", "a.png"]);
});

test("a pasted picture is a file, and so is one that brings its own name along as text", () => {
  assert.equal(pastedFiles({ clipboardData: { files: [picture("a")], types: ["Files"] } }).length, 1);
  assert.equal(pastedFiles({ clipboardData: { files: [picture("a")], types: ["text/html", "Files"] } }).length, 1);
  assert.equal(pastedFiles({ clipboardData: { files: [picture("a")], types: ["text/plain", "Files"] } }).length, 1);
});

test("a copied table is text, though it brings its picture along", () => {
  const types = ["text/plain", "text/html", "Files"];

  assert.deepEqual(pastedFiles({ clipboardData: { files: [picture("a")], types } }), []);
});

test("nothing on the clipboard is no file", () => {
  assert.deepEqual(pastedFiles({ clipboardData: null }), []);
});
