// Addresses: what they say, and that what is made can be read again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { format, parse } from "../../../../proxy/src/switchyard_proxy/ui/routes.js";

test("the beginning is the chat", () => {
  for (const hash of ["", "#", "#/", "#/nowhere/at/all"]) {
    assert.deepEqual(parse(hash), { view: "chat", path: [], query: {} });
  }
});

test("an address has a view, a path and filters", () => {
  assert.deepEqual(parse("#/models/demo-chat?sort=name&q=a%20b"), {
    view: "models", path: ["demo-chat"], query: { sort: "name", q: "a b" },
  });
});

test("names of models may hold what they like", () => {
  for (const name of ["a/b", "ф?#&", "100%", "..", "qwen:4bit"]) {
    assert.deepEqual(parse(format({ view: "models", path: [name] })).path, [name]);
  }
});

test("a broken escape is taken as it stands", () => {
  assert.deepEqual(parse("#/models/100%").path, ["100%"]);
});

test("what is empty is left out of the query", () => {
  assert.equal(format({ view: "activity", query: { model: "", outcome: null, key: "me", n: 0 } }), "#/activity?key=me&n=0");
});
