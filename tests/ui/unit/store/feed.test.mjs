import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Feed, waitBefore } from "../../../../proxy/src/switchyard_proxy/ui/store/feed.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const frame = (event, data) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** A proxy that answers each connection with what the test gives, and remembers who asked. */
class Scripted {
  asked = [];
  lines = [];
  answers = [];

  fetch = async (path, { headers, signal }) => {
    this.asked.push({ path, headers });
    const answer = this.answers.shift();
    if (answer instanceof Error) throw answer;
    if (answer) return new Response("", { status: answer });
    const body = new ReadableStream({
      start: (controller) => {
        this.lines.push(controller);
        signal.addEventListener("abort", () => controller.error(new Error("aborted")));
      },
    });
    return new Response(body, { status: 200 });
  };

  say(text, line = this.lines.length - 1) {
    this.lines[line].enqueue(new TextEncoder().encode(text));
    return settled();
  }
}

let proxy;
let feed;
let events;
let links;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  [proxy, events, links] = [new Scripted(), [], []];
  feed = new Feed({
    onEvent: ({ event, data }, at) => events.push([event, data, at]),
    onLink: ({ state, heard, status }) => links.push([state, heard, status]),
    fetch: proxy.fetch,
    now: () => 100,
  });
});

afterEach(() => {
  feed.close();
  mock.timers.reset();
});

test("events are handed on as values, with when they were heard", async () => {
  feed.open("");
  await settled();

  await proxy.say(frame("state", { models: [] }));

  assert.deepEqual(events, [["state", { models: [] }, 100]]);
  assert.deepEqual(links, [["connecting", null, 0], ["live", 100, 200]]);
});

test("a key is shown, and without one nothing is", async () => {
  feed.open("sy-1");
  await settled();
  feed.open("");
  await settled();

  assert.deepEqual(proxy.asked.map(({ headers }) => headers), [{ authorization: "Bearer sy-1" }, {}]);
});

test("to open it twice with one key is to open it once", async () => {
  feed.open("sy-1");
  feed.open("sy-1");
  await settled();

  assert.equal(proxy.asked.length, 1);
});

test("a line that ends is begun anew, and until then the link is down", async () => {
  feed.open("");
  await settled();
  await proxy.say(frame("state", {}));

  proxy.lines[0].close();
  await settled();
  await settled();

  assert.deepEqual(links.at(-1), ["down", 100, 200]);
  mock.timers.tick(1_000);
  await settled();
  assert.equal(proxy.asked.length, 2);
});

test("a line on which nothing is said any more is given up", async () => {
  feed.open("");
  await settled();
  await proxy.say(": keepalive\n\n");

  mock.timers.tick(39_000);
  await settled();
  assert.equal(links.at(-1)[0], "live");
  mock.timers.tick(2_000);
  await settled();
  await settled();

  assert.equal(links.at(-1)[0], "down");
});

test("a sign of life keeps the line, and is heard", async () => {
  feed.open("");
  await settled();
  await proxy.say(": keepalive\n\n");
  mock.timers.tick(39_000);

  await proxy.say(": keepalive\n\n");
  mock.timers.tick(39_000);
  await settled();

  assert.equal(links.at(-1)[0], "live");
});

test("whoever hurries it does not wait", async () => {
  proxy.answers = [new Error("refused"), null];
  feed.open("");
  await settled();
  assert.deepEqual(links.at(-1), ["down", null, 0]);

  feed.hurry();
  await settled();

  assert.equal(proxy.asked.length, 2);
});

test("a refusal is told with its status, and asked about seldom", async () => {
  proxy.answers = [401, 401];
  feed.open("wrong");
  await settled();
  assert.deepEqual(links.at(-1), ["down", null, 401]);

  mock.timers.tick(10_000);
  await settled();

  assert.equal(proxy.asked.length, 1);
});

test("once closed it says nothing and asks nothing", async () => {
  feed.open("");
  await settled();
  feed.close();
  const said = links.length;

  mock.timers.tick(100_000);
  await settled();

  assert.equal(links.length, said);
  assert.equal(proxy.asked.length, 1);
});

test("waits double from half a second to eight, and are spread by half", () => {
  assert.equal(waitBefore(0, 0, 1), 500);
  assert.equal(waitBefore(2, 0, 1), 2_000);
  assert.equal(waitBefore(50, 503, 1), 8_000);
  assert.equal(waitBefore(0, 0, 0), 250);
  assert.equal(waitBefore(0, 403, 1), 30_000);
});
