// What fails once is asked for again, and not for ever.

import assert from "node:assert/strict";
import { test } from "node:test";
import { insist } from "../../../../proxy/src/switchyard_proxy/ui/routes.js";

function failing(times) {
  let asked = 0;
  const load = async () => {
    asked += 1;
    if (asked <= times) throw new TypeError("the network changed");
    return `came at ${asked}`;
  };
  return { load, count: () => asked };
}

test("what comes is asked for once", async () => {
  const { load, count } = failing(0);

  assert.equal(await insist(load), "came at 1");
  assert.equal(count(), 1);
});

test("what failed twice may come the third time", async () => {
  assert.equal(await insist(failing(2).load, [0, 0]), "came at 3");
});

test("in the end the fault is told", async () => {
  const { load, count } = failing(9);

  await assert.rejects(insist(load, [0, 0]), { message: "the network changed" });
  assert.equal(count(), 3);
});
