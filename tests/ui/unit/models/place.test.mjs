import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { addressOf, chosen, cursor, listed, place, shown } from "../../../../proxy/src/switchyard_proxy/ui/models/place.js";
import { parse, route } from "../../../../proxy/src/switchyard_proxy/ui/routes.js";
import { models, sites } from "../../../../proxy/src/switchyard_proxy/ui/store/live.js";

const model = (name, site = 0, more = {}) => ({
  name, site, type: "text", engine: "vllm", phase: "stopped", aliases: [], in_flight: 0, waiting: 0, ...more,
});
const at = (hash) => {
  route.value = parse(hash);
};

beforeEach(() => {
  models.value = [model("chat", 0, { aliases: ["gpt"] }), model("org/draw"), model("chat", 1)];
  sites.value = [{ site: 0, url: "http://pc:8079" }, { site: 1, url: "http://attic:8079" }];
  cursor.value = null;
  at("#/models");
});

test("an address and a place are the same thing", () => {
  for (const hash of [
    "#/models",
    "#/models/org%2Fdraw?tab=log",
    "#/models/chat?site=1&tab=past&filter=a+b&sort=phase",
    "#/models?page=add",
  ]) {
    at(hash);
    assert.equal(addressOf(), hash);
  }
});

test("what is as usual is not in the address", () => {
  assert.equal(addressOf({ name: "chat", site: 0, tab: "now", sort: "name", filter: "" }), "#/models/chat");
});

test("a tab that nobody knows is the first one", () => {
  at("#/models/chat?tab=nonsense");

  assert.equal(place.value.tab, "now");
});

test("the model of the address is found by any of its names, at its machine", () => {
  at("#/models/gpt");
  assert.equal(shown.value.name, "chat");
  at("#/models/chat?site=1");
  assert.equal(shown.value.site, 1);
  at("#/models/nobody");
  assert.equal(shown.value, null);
});

test("keys act on the row under the cursor, else on the model that is open", () => {
  at("#/models/org%2Fdraw");
  assert.equal(chosen().name, "org/draw");

  cursor.value = "1/chat";

  assert.deepEqual([chosen().name, chosen().site], ["chat", 1]);
});

test("the list follows filter and order of the address", () => {
  at("#/models?filter=attic");

  assert.deepEqual(listed.value.map((group) => group.models.length), [0, 1]);
});
