import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import en from "../../../../proxy/src/switchyard_proxy/ui/i18n/en/models.js";
import ru from "../../../../proxy/src/switchyard_proxy/ui/i18n/ru/models.js";
import { KEYS, known } from "../../../../proxy/src/switchyard_proxy/ui/models/sayings.js";
import { fieldsOf } from "../../../../proxy/src/switchyard_proxy/ui/models/schema.js";

const read = (path) => readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");

/** The values of one enumeration of the contracts. */
function valuesOf(path, name) {
  const [, body] = new RegExp(`class ${name}\\(StrEnum\\):([\\s\\S]*?)(?:\\n\\n\\n|$)`).exec(read(path));
  return [...body.matchAll(/^ {4}[A-Z_]+ = "(\w+)"/gm)].map(([, value]) => value);
}

const contracts = "contracts/src/switchyard_contracts";
const WORDS = [
  ["reason", valuesOf(`${contracts}/errors.py`, "Reason")],
  ["advice", valuesOf(`${contracts}/errors.py`, "Reason")],
  ["files", valuesOf(`${contracts}/status.py`, "FilesAt")],
  ["outcome", valuesOf(`${contracts}/admin.py`, "Outcome").filter((outcome) => outcome !== "loaded")],
  ["can", valuesOf(`${contracts}/catalog/model.py`, "Capability")],
  ["type", valuesOf(`${contracts}/catalog/model.py`, "ModelType")],
  ["said", KEYS],
  ["hint", fieldsOf(JSON.parse(read("models.schema.json"))).map(({ name }) => name).filter((name) => name !== "engine_args")],
];

for (const [kind, values] of WORDS) {
  test(`every ${kind} that managers may name has words in both languages`, () => {
    assert.ok(values.length > 2, "none were found");
    for (const texts of [en, ru]) {
      assert.deepEqual(values.filter((value) => !texts[`${kind}.${value}`]), []);
    }
  });
}

test("what managers say of progress and of waiting is known with its figures", () => {
  assert.deepEqual(known("weights 62 %"), { key: "weights", values: { share: "62" } });
  assert.deepEqual(known("downloading 3.1 of 8.2 GB, 38 %"), {
    key: "download", values: { done: "3.1", total: "8.2", unit: "GB", share: "38" },
  });
  assert.deepEqual(known("waits for its turn after a, b"), { key: "after", values: { names: "a, b" } });
  assert.deepEqual(known("text_encoder 40 %"), { key: "component", values: { name: "text_encoder", share: "40" } });
});

test("what is not known is not guessed", () => {
  assert.equal(known("counting sheep"), null);
});
