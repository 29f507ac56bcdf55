import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  engineFields, fieldsOf, nameProblem, readField, typedOf,
} from "../../../../proxy/src/switchyard_proxy/ui/models/schema.js";

const SCHEMA = JSON.parse(readFileSync(new URL("../../../../models.schema.json", import.meta.url), "utf8"));
const field = (name) => fieldsOf(SCHEMA).find((one) => one.name === name);

test("every field has a kind of its own that a form can show", () => {
  const kinds = Object.fromEntries(fieldsOf(SCHEMA).map(({ name, kind }) => [name, kind]));

  assert.equal(kinds.type, "choice");
  assert.equal(kinds.vram_mib, "integer");
  assert.equal(kinds.idle_unload_s, "number");
  assert.equal(kinds.pinned, "flag");
  assert.equal(kinds.repo, "text");
  assert.equal(kinds.aliases, "texts");
  assert.equal(kinds.capabilities, "choices");
  assert.equal(kinds.gpus, "json");
  assert.equal(kinds.variants, "json");
});

test("a choice knows its options, and every field its description", () => {
  assert.deepEqual(field("type").options, ["text", "vision", "image"]);
  assert.ok(field("capabilities").options.includes("image_edits"));
  for (const { name, description } of fieldsOf(SCHEMA)) assert.ok(description, name);
});

test("the flags of the engine follow what is chosen, as in models.json", () => {
  const has = (choice, name) => engineFields(SCHEMA, choice).some((one) => one.name === name);

  assert.ok(has({ type: "text" }, "tensor_parallel_size"));
  assert.ok(has({ type: "image" }, "steps"));
  assert.ok(has({ type: "vision", engine: "vllm" }, "tensor_parallel_size"));
  assert.deepEqual(engineFields(SCHEMA, { type: "text", container: "mine" }), []);
});

test("nothing typed leaves the field out", () => {
  for (const name of ["type", "vram_mib", "aliases", "variants"]) assert.deepEqual(readField(field(name), ""), {});
  assert.deepEqual(readField(field("capabilities"), []), {});
});

test("what fits is read as the file wants it", () => {
  assert.deepEqual(readField(field("vram_mib"), " 11000 "), { value: 11000 });
  assert.deepEqual(readField(field("idle_unload_s"), "0,5"), { value: 0.5 });
  assert.deepEqual(readField(field("pinned"), "true"), { value: true });
  assert.deepEqual(readField(field("aliases"), "gpt-4o\n\n fast \n"), { value: ["gpt-4o", "fast"] });
  assert.deepEqual(readField(field("gpus"), "[\"GPU-1\"]"), { value: ["GPU-1"] });
  assert.deepEqual(readField(field("repo"), "Qwen/Qwen3-8B"), { value: "Qwen/Qwen3-8B" });
});

test("what does not fit says by which rule", () => {
  const key = (name, typed) => readField(field(name), typed).problem?.key;

  assert.equal(key("vram_mib", "much"), "integer");
  assert.equal(key("vram_mib", "1.5"), "integer");
  assert.equal(key("vram_mib", "0"), "minimum");
  assert.equal(key("idle_unload_s", "0"), "above");
  assert.equal(key("port", "70000"), "maximum");
  assert.equal(key("repo", "/srv/models"), "pattern");
  assert.equal(key("aliases", "good\n-bad"), "pattern");
  assert.equal(key("variants", "{"), "json");
  assert.equal(key("type", "sound"), "choice");
});

test("a limit is told with its number", () => {
  assert.deepEqual(readField(field("port"), "70000").problem.values, { limit: 65535 });
});

test("what stands in a file can be typed back", () => {
  for (const [name, value] of [
    ["vram_mib", 11000], ["aliases", ["a", "b"]], ["pinned", false], ["type", "image"], ["gpus", 2],
    ["capabilities", ["chat"]], ["variants", { quick: {} }],
  ]) {
    assert.deepEqual(readField(field(name), typedOf(field(name), value)).value, value, name);
  }
});

test("a name is held to the schema's rule", () => {
  assert.equal(nameProblem(SCHEMA, "org/Qwen2.5:7b"), null);
  assert.equal(nameProblem(SCHEMA, "").key, "name_missing");
  assert.equal(nameProblem(SCHEMA, "a b").key, "name");
});
