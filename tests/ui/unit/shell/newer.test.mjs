// Which version of the page runs, by its own address.

import assert from "node:assert/strict";
import { test } from "node:test";
import { versionIn } from "../../../../proxy/src/switchyard_proxy/ui/shell/newer.js";

test("the version stands in the address", () => {
  assert.equal(versionIn("http://box:8080/ui/0123456789ab/shell/newer.js"), "0123456789ab");
});

test("an address without a version has none", () => {
  assert.equal(versionIn("http://box:8080/ui/shell/newer.js"), null);
});
