import assert from "node:assert/strict";
import { mock, test } from "node:test";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const state = `event: state\ndata: ${JSON.stringify({ models: [{ site: 0, name: "chat" }] })}\n\n`;

let connections = 0;
globalThis.fetch = async (_, { signal }) => {
  connections += 1;
  return new Response(new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(state));
      signal.addEventListener("abort", () => controller.error(new Error("aborted")));
    },
  }));
};
mock.timers.enable({ apis: ["setTimeout"] });
await import("../../../../proxy/src/switchyard_proxy/ui/live.worker.js");

/** A tab, as far as the worker sees one. */
class Tab {
  heard = [];

  constructor() {
    globalThis.onconnect({ ports: [this] });
  }

  postMessage(message) {
    this.heard.push(message);
  }

  async say(message) {
    this.onmessage({ data: message });
    await settled();
    await settled();
  }

  get models() {
    return this.heard.filter(({ kind }) => kind === "event").at(-1)?.event.data.models.map(({ name }) => name);
  }
}

test("tabs share one connection, and one that joins later is told what is known", async () => {
  const [first, second, hidden] = [new Tab(), new Tab(), new Tab()];

  await first.say({ kind: "watch", key: "", visible: true });
  await second.say({ kind: "watch", key: "", visible: true });
  await hidden.say({ kind: "watch", key: "", visible: false });

  assert.equal(connections, 1);
  for (const tab of [first, second, hidden]) {
    assert.deepEqual(tab.models, ["chat"]);
    assert.equal(tab.heard.at(-1).link.state, "live");
  }

  await first.say({ kind: "bye" });
  await second.say({ kind: "watch", key: "", visible: false });
  mock.timers.tick(30_000);
  await second.say({ kind: "watch", key: "", visible: true });
  assert.equal(connections, 1, "a glance elsewhere costs no connection");

  await second.say({ kind: "watch", key: "", visible: false });
  mock.timers.tick(61_000);
  await second.say({ kind: "watch", key: "", visible: true });
  assert.equal(connections, 2, "nobody looked for a while: it was closed, and is opened anew");

  await second.say({ kind: "watch", key: "sy-2", visible: true });
  assert.equal(connections, 3, "another key sees other models");
});
