import assert from "node:assert/strict";
import { test } from "node:test";

import { EventParser, eventsOf } from "../../../../proxy/src/switchyard_proxy/ui/sse.js";

const parsed = (...pieces) => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

test("an event has its own id, its name and its data", () => {
  const events = parsed("id: 7\nevent: progress\ndata: one\ndata: two\n\ndata:three\n\n");

  assert.deepEqual(events, [
    { id: "7", event: "progress", data: "one\ntwo" },
    { id: "", event: "message", data: "three" },
  ]);
});

test("comments, unknown fields and blank lines are nothing", () => {
  assert.deepEqual(parsed(": keepalive\n", "\n\n: ping\n\nfoo: bar\nretry: 5\nid: 3\n\n"), []);
});

test("a beat between an id and its data does not part them", () => {
  assert.deepEqual(parsed("id: 1\n: keepalive\ndata: x\n\n"), [{ id: "1", event: "message", data: "x" }]);
});

test("a field without a colon has an empty value, and only one blank is taken from the front", () => {
  assert.deepEqual(parsed("data\ndata:  two\n\n"), [{ id: "", event: "message", data: "\n two" }]);
});

test("a mark of byte order at the very beginning is no part of the first field", () => {
  assert.equal(parsed("\uFEFFdata: a\n\n\uFEFFdata: b\n\n").length, 1);
});

test("an id with a NUL is ignored", () => {
  assert.equal(parsed("id: 1\0\ndata: x\n\n")[0].id, "");
});

test("what has no blank line behind it is no event", () => {
  assert.deepEqual(parsed("data: whole\n\ndata: half\n"), [{ id: "", event: "message", data: "whole" }]);
});

const LOG = "id: 1\r\ndata: a\r\n\r\nid: 2\rdata: привет\rdata\r\rid: 3\nevent: e\ndata: x\n\n: beat\n\r\ndata: y\n\r\n";

test("it does not matter where the text is cut, whichever line ends it has", () => {
  const whole = parsed(LOG);

  assert.equal(whole.length, 4);
  for (let first = 0; first <= LOG.length; first += 1) {
    for (let second = first; second <= LOG.length; second += 1) {
      const pieces = [LOG.slice(0, first), LOG.slice(first, second), LOG.slice(second)];
      assert.deepEqual(parsed(...pieces), whole, JSON.stringify(pieces));
    }
  }
});

test("one event of many megabytes takes time by its length, not by its square", () => {
  const parser = new EventParser();
  const piece = "x".repeat(16_384);
  const begun = performance.now();

  parser.push("data: ");
  for (let index = 0; index < 1_000; index += 1) parser.push(piece);
  const [event] = parser.push("\n\n");

  assert.equal(event.data.length, 16_384_000);
  assert.ok(performance.now() - begun < 1_000);
});

const bodyOf = (chunks) => new Response(new ReadableStream({
  start(controller) {
    for (const chunk of chunks) controller.enqueue(chunk);
    controller.close();
  },
}));

test("a letter cut between two chunks is still that letter", async () => {
  const bytes = new TextEncoder().encode("data: жук 🐞\n\n");
  const found = [];

  for await (const event of eventsOf(bodyOf([...bytes].map((byte) => Uint8Array.of(byte))))) found.push(event.data);

  assert.deepEqual(found, ["жук 🐞"]);
});

test("every chunk is a sign of life, be it only a beat", async () => {
  let signs = 0;
  const chunks = [": keepalive\n", ": keepalive\n", "data: x\n\n"].map((text) => new TextEncoder().encode(text));

  for await (const event of eventsOf(bodyOf(chunks), { onSign: () => { signs += 1; } })) assert.equal(event.data, "x");

  assert.equal(signs, 3);
});

test("who leaves the loop gives up the body", async () => {
  let isCancelled = false;
  const response = new Response(new ReadableStream({
    pull(controller) { controller.enqueue(new TextEncoder().encode("data: x\n\n")); },
    cancel() { isCancelled = true; },
  }));

  for await (const event of eventsOf(response)) if (event) break;
  await new Promise((resolve) => { setImmediate(resolve); });

  assert.ok(isCancelled);
});
