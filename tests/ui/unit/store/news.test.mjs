import assert from "node:assert/strict";
import { test } from "node:test";

import { apply, keyOf, NOTHING } from "../../../../proxy/src/switchyard_proxy/ui/store/news.js";

const CHAT = { site: 0, name: "chat", phase: "ready" };
const DRAW = { site: 0, name: "draw", phase: "stopped" };
const event = (event, data) => ({ event, data });
const began = (...models) => apply(NOTHING, event("state", { models, machines: [], sites: [] }), 10);

test("a state replaces everything that was known", () => {
  const news = apply(began(CHAT), event("state", { models: [DRAW], machines: [{ site: 0 }] }), 20);

  assert.deepEqual(news.models, [{ ...DRAW, idle_s: null, at: 20 }]);
  assert.deepEqual(news.machines, [{ site: 0, at: 20 }]);
});

test("a changed model takes its former place, and the others stay the same objects", () => {
  const before = began(CHAT, DRAW);

  const news = apply(before, event("models", { changed: [{ ...CHAT, phase: "draining" }] }), 20);

  assert.deepEqual(news.models.map(({ name, phase, at }) => [name, phase, at]), [
    ["chat", "draining", 20],
    ["draw", "stopped", 10],
  ]);
  assert.equal(news.models[1], before.models[1]);
});

test("a model that nobody knew joins at the end", () => {
  const news = apply(began(CHAT), event("models", { changed: [DRAW], gone: [] }), 20);

  assert.deepEqual(news.models.map(keyOf), ["0/chat", "0/draw"]);
});

test("a model of the same name at another manager is another model", () => {
  const other = { ...CHAT, site: 1 };

  const news = apply(began(CHAT, other), event("models", { gone: [{ site: 1, name: "chat" }] }), 20);

  assert.deepEqual(news.models.map(keyOf), ["0/chat"]);
});

test("a model may be gone by its name alone", () => {
  const news = apply(began(CHAT, DRAW), event("models", { gone: ["chat"] }), 20);

  assert.deepEqual(news.models.map(keyOf), ["0/draw"]);
});

test("machines are replaced as a whole, and models stay", () => {
  const before = began(CHAT);

  const news = apply(before, event("machines", { machines: [{ site: 0, name: "pc" }] }), 20);

  assert.deepEqual(news.machines, [{ site: 0, name: "pc", at: 20 }]);
  assert.equal(news.models, before.models);
});

test("an event of an unknown kind changes nothing", () => {
  const before = began(CHAT);

  assert.equal(apply(before, event("weather", {}), 20), before);
});

test("what was stamped once keeps its time when a tab hears it from the worker", () => {
  const news = apply(NOTHING, event("state", began(CHAT)), 99);

  assert.equal(news.models[0].at, 10);
  assert.equal(apply(NOTHING, event("state", { models: [{ ...CHAT, idle_s: 3, at: 5 }] }), 99).models[0].idle_s, 3);
});

test("how long a model was idle is not believed before a machine says it", () => {
  const idle = { ...CHAT, idle_s: 5 };
  const before = began(idle);

  const news = apply(before, event("machines", { machines: [{ site: 0, at: 12, models: [idle] }] }), 12);

  assert.equal(before.models[0].idle_s, null);
  assert.equal(news.models[0].idle_s, 5);
});

test("what a machine says of its models counts, by this browser's clock", () => {
  const machines = [{ site: 0, at: 9_999, connected: true, models: [{ name: "chat", waiting: 7 }] }];

  const news = apply(began(CHAT), event("machines", { machines }), 41);

  assert.deepEqual(news.models, [{ ...CHAT, idle_s: null, waiting: 7, at: 41 }]);
  assert.equal(news.machines[0].at, 41);
});

test("what a machine said before it went away is old, and changes no model", () => {
  const machines = [{ site: 0, at: 20, connected: false, models: [{ name: "chat", waiting: 7 }] }];
  const before = began(CHAT);

  const news = apply(before, event("machines", { machines }), 41);

  assert.equal(news.models, before.models);
  assert.equal(news.machines[0].at, 20);
});

test("a machine's word adds to the history of its GPUs, and a tab that joins is given all of it", () => {
  const gpu = { uuid: "GPU-a", used_mib: 7 };
  const first = apply(NOTHING, event("state", { machines: [{ site: 0, gpus: [gpu] }] }), 10);

  const second = apply(first, event("machines", { machines: [{ site: 0, gpus: [gpu] }] }), 12);

  assert.equal(second.usage["0/GPU-a"].length, 2);
  assert.equal(apply(NOTHING, event("state", second), 14).usage, second.usage);
});
