// The facts for whoever has just come.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { loadArea, setLang } from "../../../../proxy/src/switchyard_proxy/ui/i18n/index.js";
import { factsInWords } from "../../../../proxy/src/switchyard_proxy/ui/shell/boot-line.js";

const GPU = { name: "NVIDIA GeForce RTX 4090", total_mib: 24_576 };

before(() => Promise.all([setLang("en"), loadArea("shell")]));

test("nothing known is nothing said", () => {
  assert.deepEqual(factsInWords(null, [], []), []);
});

test("each fact comes as soon as it is known", () => {
  assert.deepEqual(factsInWords({ version: "1.2" }, [], []), ["switchyard 1.2"]);
});

test("cards of one kind are named once, and their memory is added up", () => {
  const machines = [{ gpus: [GPU, GPU] }, { gpus: [{ name: "NVIDIA L40S", total_mib: 49_152 }] }, {}];

  assert.deepEqual(factsInWords(null, machines, []), ["3 GPUs: RTX 4090, L40S, 96 GiB"]);
});

test("whether anything is loaded is said in words", () => {
  const models = [{ phase: "ready" }, { phase: "stopped" }];

  assert.deepEqual(factsInWords(null, [], models), ["2 models", "1 ready"]);
  assert.match(factsInWords(null, [], [{ phase: "stopped" }])[1], /^none loaded yet/);
});
