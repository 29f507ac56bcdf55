// Names of what can be pressed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { distinct } from "../../../../proxy/src/switchyard_proxy/ui/shell/controls.js";

test("of those that have the same name each can be told", () => {
  assert.deepEqual(distinct(["copy", "retry", "copy", "copy"]), ["copy", "retry", "copy 2", "copy 3"]);
});
