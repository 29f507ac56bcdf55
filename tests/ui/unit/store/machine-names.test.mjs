import assert from "node:assert/strict";
import { test } from "node:test";

import { namesOf } from "../../../../proxy/src/switchyard_proxy/ui/store/machine-names.js";

const names = (...urls) => [...namesOf(urls.map((url, site) => ({ site, url }))).values()];

test("a machine is called by its address", () => {
  assert.deepEqual(names("http://gpu-pc:8079", "http://192.168.0.7:8079"), ["gpu-pc", "192.168.0.7"]);
  assert.deepEqual(names("http://127.0.0.1:8079"), ["localhost"]);
});

test("where two managers share an address, the port tells them apart", () => {
  assert.deepEqual(
    names("http://localhost:8079", "http://gpu-pc:8079", "http://127.0.0.1:8080"),
    ["localhost:8079", "gpu-pc", "localhost:8080"],
  );
});

test("one whose address is not told, or has no host in it, has no name", () => {
  assert.deepEqual(names(null, undefined, "unix:/run/manager.sock", "somewhere"), [null, null, null, null]);
});
