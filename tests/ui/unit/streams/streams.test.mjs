import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { resumeStream, startStream } from "../../../../proxy/src/switchyard_proxy/ui/streams.js";
import {
  MisbehavingProxy, beating, cutAfter, endingAfter, falling_asleep, numbered, refusing, repeating, silent, whole,
} from "./proxy.mjs";

const WORDS = ["Hel", "lo, ", "мир", " 🐞", "!"];
const EVENTS = [...WORDS.map((word) => `data: ${JSON.stringify({ word })}`), "data: [DONE]"];
const BROKEN = 'data: {"error":{"code":"stream_broken","message":"cannot finish the reply"}}';
const PACE = { first_ms: 2, longest_ms: 10, wait_longest_ms: 20 };
const ENDS = ["done", "stopped", "failed", "interrupted"];

const proxy = await new MisbehavingProxy().start();
after(() => proxy.die());
beforeEach(() => { proxy.requests = []; });

/** A listener that writes everything down; `ended` when the stream is over. */
function listen(begin, wish = {}, tools = {}) {
  const heard = { events: [], states: [] };
  heard.ended = new Promise((resolve) => {
    heard.stream = begin({
      ...wish,
      onEvent: (event) => { heard.events.push(event.data); wish.onEvent?.(event, heard); },
      onState: (state, stream) => {
        if (heard.states.at(-1) !== state) heard.states.push(state);
        wish.onState?.(state, stream);
        if (ENDS.includes(state)) resolve(heard);
      },
    }, { fetch: proxy.open, pace: PACE, ...tools });
  });
  return heard;
}

const ask = (wish, tools) => listen(startStream, { path: "/v1/chat/completions", json: { model: "m" }, ...wish }, tools);
const textOf = ({ events }) => events.filter((data) => data.startsWith('{"word"'))
  .map((data) => JSON.parse(data).word).join("");
const until = async (isSo) => {
  for (let look = 0; look < 1_000 && !isSo(); look += 1) await new Promise((resolve) => { setTimeout(resolve, 2); });
  assert.ok(isSo(), "waited in vain");
};

test("a stream that is told whole: its request is resumable and named, its events come once", async () => {
  proxy.script = [whole(EVENTS)];

  const heard = await ask({ conversation: "talk-1" }).ended;

  assert.equal(textOf(heard), WORDS.join(""));
  assert.equal(heard.events.at(-1), "[DONE]");
  assert.deepEqual(heard.states, ["waiting", "streaming", "done"]);
  assert.equal(heard.stream.id, "stream_1");
  assert.equal(heard.stream.lastSeq, 6);
  const [{ headers, body }, ...others] = proxy.requests;
  assert.equal(headers["x-resumable"], "1");
  assert.equal(headers["x-conversation-id"], "talk-1");
  assert.deepEqual(JSON.parse(body), { model: "m" });
  assert.equal(others.length, 0);
});

test("cut after any byte, it goes on without a gap and without a repeat", async () => {
  const { length } = Buffer.from(numbered(EVENTS));

  for (let bytes = 0; bytes < length; bytes += 1) {
    proxy.script = [cutAfter(bytes, EVENTS), whole(EVENTS)];
    const heard = await ask().ended;
    assert.deepEqual(heard.events, EVENTS.map((event) => event.slice(6)), `cut after ${bytes}`);
    assert.equal(heard.states.at(-1), "done");
  }
});

test("cut at every reading, it still comes to its end", async () => {
  proxy.script = [...EVENTS.map((event) => cutAfter(Buffer.from(numbered([event])).length, EVENTS)), whole(EVENTS)];

  const heard = await ask().ended;

  assert.equal(textOf(heard), WORDS.join(""));
  assert.deepEqual(proxy.requests.slice(0, 4).map((request) => [request.method, request.url, request.after]), [
    ["POST", "/v1/chat/completions", undefined],
    ["GET", "/v1/streams/stream_1", "1"],
    ["GET", "/v1/streams/stream_1", "2"],
    ["GET", "/v1/streams/stream_1", "3"],
  ]);
});

test("events that it has are dropped", async () => {
  proxy.script = [cutAfter(60, EVENTS), repeating(EVENTS)];

  assert.equal(textOf(await ask().ended), WORDS.join(""));
});

test("beats are no events", async () => {
  proxy.script = [beating(EVENTS)];

  assert.equal((await ask().ended).events.length, EVENTS.length);
});

test("a body that ends too early in good order is read on", async () => {
  proxy.script = [endingAfter(2, EVENTS), endingAfter(2, EVENTS), whole(EVENTS)];

  assert.equal(textOf(await ask().ended), WORDS.join(""));
});

test("a stream without [DONE] is over when reading again brings nothing", async () => {
  proxy.script = [whole(EVENTS.slice(0, -1))];

  const heard = await ask().ended;

  assert.equal(heard.states.at(-1), "done");
  assert.equal(proxy.requests.length, 2);
});

test("503 with Retry-After is a wait: before the answer, and on reading again", async () => {
  const loading = refusing(503, { code: "overloaded", message: "loading" }, { "retry-after": "1" });
  const waited = [];
  proxy.script = [loading, loading, cutAfter(60, EVENTS), loading, whole(EVENTS)];

  const heard = await ask({
    onState: (state, stream) => { if (stream.error) waited.push([state, stream.error.code]); },
  }).ended;

  assert.equal(textOf(heard), WORDS.join(""));
  assert.equal(heard.states.at(-1), "done");
  assert.equal(heard.stream.error, null);
  assert.deepEqual(proxy.requests.map(({ method }) => method), ["POST", "POST", "POST", "GET", "GET"]);
  assert.ok(waited.every(([, code]) => code === "overloaded"));
});

test("a refusal fails with the proxy's own words", async () => {
  proxy.script = [refusing(404, { code: "model_not_found", message: "cannot find the model m" })];

  const heard = await ask().ended;

  assert.equal(heard.states.at(-1), "failed");
  assert.deepEqual(heard.stream.error, { code: "model_not_found", message: "cannot find the model m", status: 404 });
});

for (const status of [404, 410]) {
  test(`${status} on reading again: failed, gone, and what came stays`, async () => {
    proxy.script = [cutAfter(60, EVENTS), refusing(status, { code: "stream_not_found", message: "cannot find it" })];

    const heard = await ask().ended;

    assert.equal(heard.states.at(-1), "failed");
    assert.equal(heard.stream.error.code, "gone");
    assert.ok(textOf(heard).startsWith("Hel"));
  });
}

test("a stream that the proxy lost says so: interrupted", async () => {
  proxy.script = [cutAfter(60, EVENTS), whole([...EVENTS.slice(0, 2), BROKEN, "data: [DONE]"])];

  const heard = await ask().ended;

  assert.equal(heard.states.at(-1), "interrupted");
  assert.equal(heard.stream.error.code, "stream_broken");
  assert.equal(textOf(heard), "Hello, ");
});

test("a request that broke off before any answer is looked for by name, and found", async () => {
  proxy.script = [silent, whole(EVENTS)];

  const heard = await ask({ conversation: "talk 2" }).ended;

  assert.equal(textOf(heard), WORDS.join(""));
  assert.deepEqual(proxy.requests.map(({ method, url }) => `${method} ${url}`), [
    "POST /v1/chat/completions", "GET /v1/stream?conv_id=talk%202",
  ]);
});

test("a request that never arrived is sent again", async () => {
  proxy.script = [silent, refusing(404, { code: "stream_not_found", message: "m" }), whole(EVENTS)];

  const heard = await ask().ended;

  assert.equal(textOf(heard), WORDS.join(""));
  assert.deepEqual(proxy.requests.map(({ method }) => method), ["POST", "GET", "POST"]);
});

test("a proxy that is killed and comes back at the same address is found again", async () => {
  const mortal = await new MisbehavingProxy().start();
  mortal.script = [falling_asleep(2, EVENTS), whole(EVENTS)];
  const heard = ask({}, { fetch: (...call) => mortal.open(...call) });
  await until(() => heard.events.length === 2);

  await mortal.die();
  await until(() => heard.states.at(-1) === "reconnecting");
  await mortal.start();

  assert.equal(textOf(await heard.ended), WORDS.join(""));
  await mortal.die();
});

test("a connection that fell silent is made again", async () => {
  proxy.script = [falling_asleep(2, EVENTS), whole(EVENTS)];

  const heard = await ask({}, { quiet_ms: 40 }).ended;

  assert.equal(textOf(heard), WORDS.join(""));
  assert.ok(!heard.states.includes("failed"));
});

test("the network is back, or somebody looks again: no wait is waited to its end", async () => {
  const page = new EventTarget();
  page.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const slow = { first_ms: 600_000, longest_ms: 600_000, wait_longest_ms: 600_000 };
  for (const [target, name] of [[page, "online"], [page.document, "visibilitychange"]]) {
    proxy.script = [cutAfter(60, EVENTS), whole(EVENTS)];
    const heard = ask({}, { page, pace: slow });
    await until(() => heard.states.at(-1) === "reconnecting");

    target.dispatchEvent(new Event(name));

    assert.equal(textOf(await heard.ended), WORDS.join(""));
  }
});

test("stop is a cancel by id, and what came stays", async () => {
  proxy.script = [falling_asleep(2, EVENTS), refusing(200, {})];
  const heard = ask();
  await until(() => heard.events.length === 2);

  const isConfirmed = await heard.stream.stop();

  assert.ok(isConfirmed);
  assert.equal(heard.states.at(-1), "stopped");
  assert.equal(textOf(heard), "Hello, ");
  assert.equal(proxy.requests.at(-1).method, "DELETE");
  assert.equal(proxy.requests.at(-1).url, "/v1/streams/stream_1");
});

test("stop before any answer is a cancel by name, said again until the request is known", async () => {
  const unknown = refusing(404, { code: "stream_not_found", message: "m" });
  proxy.script = [() => {}, unknown, unknown, refusing(200, {})];
  const heard = ask({ conversation: "talk-3" });
  await until(() => proxy.requests.length === 1);

  const isConfirmed = await heard.stream.stop();

  assert.ok(isConfirmed);
  assert.deepEqual(proxy.requests.slice(1).map(({ method, url }) => `${method} ${url}`),
    Array(3).fill("DELETE /v1/stream?conv_id=talk-3"));
});

test("stop while the proxy is away is said when it is back", async () => {
  proxy.script = [falling_asleep(2, EVENTS), silent, silent, refusing(200, {})];
  const heard = ask();
  await until(() => heard.events.length === 2);

  assert.ok(await heard.stream.stop());
});

test("who detaches hears nothing more, and cancels nothing", async () => {
  proxy.script = [falling_asleep(2, EVENTS)];
  const heard = ask();
  await until(() => heard.events.length === 2);

  heard.stream.detach();
  await new Promise((resolve) => { setTimeout(resolve, 30); });

  assert.equal(proxy.requests.length, 1);
  assert.deepEqual(heard.states, ["waiting", "streaming"].slice(heard.states[0] === "waiting" ? 0 : 1));
});

test("resuming begins after the last event, by id or by name", async () => {
  proxy.script = [whole(EVENTS)];

  const byId = await listen(resumeStream, { id: "stream_1", lastSeq: 3 }).ended;
  const byName = await listen(resumeStream, { conversation: "talk-4", lastSeq: 4 }).ended;

  assert.equal(textOf(byId), " 🐞!");
  assert.equal(textOf(byName), "!");
  assert.deepEqual(proxy.requests.map(({ url, after: last }) => [url, last]), [
    ["/v1/streams/stream_1", "3"], ["/v1/stream?conv_id=talk-4", "4"],
  ]);
});

test("resuming by a name that nobody knows is gone, and never asks anew", async () => {
  proxy.script = [refusing(404, { code: "stream_not_found", message: "m" })];

  const heard = await listen(resumeStream, { conversation: "talk-5" }).ended;

  assert.equal(heard.stream.error.code, "gone");
  assert.ok(proxy.requests.every(({ method }) => method === "GET"));
});

test("a reply that is one document is one event, once", async () => {
  proxy.script = [(request, response) => {
    response.writeHead(200, { "content-type": "application/json", "x-stream-id": "stream_1" });
    response.end('{"data":[]}');
  }];

  const heard = await ask().ended;

  assert.deepEqual(heard.events, ['{"data":[]}']);
  assert.equal(heard.states.at(-1), "done");
});

test("a listener that throws ends its stream, and is not taken for a broken connection", async () => {
  proxy.script = [whole(EVENTS)];

  const heard = await ask({ onEvent: () => { throw new Error("bug"); } }).ended;

  assert.equal(heard.states.at(-1), "failed");
  assert.equal(heard.stream.error.message, "bug");
  assert.equal(proxy.requests.length, 1);
});

test("a form goes as it is", async () => {
  proxy.script = [whole(EVENTS)];
  const body = new FormData();
  body.set("prompt", "a lighthouse");

  await listen(startStream, { path: "/v1/images/edits", body }).ended;

  assert.match(proxy.requests[0].headers["content-type"], /^multipart\/form-data; boundary=/);
  assert.match(proxy.requests[0].body, /a lighthouse/);
});
