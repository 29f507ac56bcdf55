import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  canComeBack, draftOf, entryIn, fieldOfFault, fileWith, merged, readDraft,
} from "../../../../proxy/src/switchyard_proxy/ui/models/entry.js";

const SCHEMA = JSON.parse(readFileSync(new URL("../../../../models.schema.json", import.meta.url), "utf8"));
const ENTRY = {
  "//": "a note", type: "text", repo: "Qwen/Qwen3-8B", vram_mib: 11000, aliases: ["gpt-4o"],
  engine_args: { max_num_seqs: 8 }, variants: { quick: {} },
};

test("an entry that is opened and saved is the same entry, its notes included", () => {
  const { entry, problems } = readDraft(SCHEMA, draftOf(SCHEMA, "qwen3", ENTRY));

  assert.deepEqual(problems, []);
  assert.deepEqual(merged(SCHEMA, ENTRY, entry), ENTRY);
});

test("every problem is told at once, each with its field", () => {
  const draft = draftOf(SCHEMA, "", ENTRY);
  draft.entry.vram_mib = "much";
  draft.args.max_num_seqs = "0";

  const { problems } = readDraft(SCHEMA, draft);

  assert.deepEqual(problems.map(({ path, key }) => [path, key]), [
    ["", "name_missing"], ["vram_mib", "integer"], ["engine_args.max_num_seqs", "minimum"],
  ]);
});

test("flags of an engine that is chosen no more are left out", () => {
  const draft = draftOf(SCHEMA, "qwen3", ENTRY);
  draft.entry.type = "image";

  assert.equal(readDraft(SCHEMA, draft).entry.engine_args, undefined);
});

test("a file is checked with the entry in it, whichever form the file has", () => {
  assert.deepEqual(JSON.parse(fileWith('{"models": {"a": {}}}', "b", ENTRY)).models, { a: {}, b: ENTRY });
  assert.deepEqual(JSON.parse(fileWith('{"a": {"container": "x"}}', "b", ENTRY)), { a: { container: "x" }, b: ENTRY });
});

test("an entry is found in either form of file", () => {
  assert.deepEqual(entryIn('{"models": {"a": {"type": "text"}}}', "a"), { type: "text" });
  assert.deepEqual(entryIn('{"a": {"container": "x"}}', "a"), { container: "x" });
  assert.equal(entryIn('{"models": {}}', "a"), undefined);
});

test("a fault belongs to the field that its path names", () => {
  assert.equal(fieldOfFault("models.qwen3.vram_mib", "qwen3"), "vram_mib");
  assert.equal(fieldOfFault('models["qwen2.5"].aliases[0]', "qwen2.5"), "aliases");
  assert.equal(fieldOfFault("models.qwen3.engine_args.dtype", "qwen3"), "engine_args.dtype");
  assert.equal(fieldOfFault("models.qwen3", "qwen3"), "");
  assert.equal(fieldOfFault("models.other.vram_mib", "qwen3"), null);
  assert.equal(fieldOfFault(null, "qwen3"), null);
});

test("what was removed can be put back, unless it has what is guarded from here", () => {
  const can = (entry, guarded = true) =>
    canComeBack({ text: JSON.stringify({ models: { m: { type: "text", ...entry } } }), guarded }, "m");

  assert.ok(can({ repo: "Qwen/Qwen3-8B" }));
  assert.ok(can({ path: "state:demo/chat" }));
  assert.ok(can({ path: "/weights", env: {} }, false));
  for (const entry of [{ path: "/weights" }, { extra_args: ["--x"] }, { engine_args: { trust_remote_code: true } }]) {
    assert.ok(!can(entry), JSON.stringify(entry));
  }
  assert.ok(!canComeBack({ text: "{}", guarded: false }, "m"));
});
