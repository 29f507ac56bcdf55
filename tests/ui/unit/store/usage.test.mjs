import assert from "node:assert/strict";
import { test } from "node:test";

import { record, usageKey } from "../../../../proxy/src/switchyard_proxy/ui/store/usage.js";

const machine = (...gpus) => ({ site: 1, gpus });
const gpu = (used, uuid = "GPU-a") => ({ uuid, used_mib: used, utilisation_pct: 40 });

test("each sample of each GPU is added to its own", () => {
  const first = record({}, [machine(gpu(100), gpu(7, "GPU-b"))], 10);

  const usage = record(first, [machine(gpu(200), gpu(8, "GPU-b"))], 12);

  assert.deepEqual(usage["1/GPU-a"], [[10, 100, 40], [12, 200, 40]]);
  assert.deepEqual(usage[usageKey({ site: 1 }, { uuid: "GPU-b" })], [[10, 7, 40], [12, 8, 40]]);
});

test("what is said twice in the same moment counts once", () => {
  const first = record({}, [machine(gpu(100))], 10);

  assert.equal(record(first, [machine(gpu(900))], 10.4)["1/GPU-a"], first["1/GPU-a"]);
});

test("no more than ten minutes are kept", () => {
  let usage = {};
  for (let at = 0; at < 1000; at += 2) usage = record(usage, [machine(gpu(at))], at);

  assert.equal(usage["1/GPU-a"].length, 300);
  assert.equal(usage["1/GPU-a"].at(-1)[0], 998);
});

test("a GPU that is gone is forgotten, and one that cannot be measured has gaps", () => {
  const first = record({}, [machine(gpu(100))], 10);

  const usage = record(first, [machine({ uuid: "GPU-c" })], 12);

  assert.deepEqual(usage, { "1/GPU-c": [[12, null, null]] });
});
