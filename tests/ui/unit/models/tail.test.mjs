import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Tail } from "../../../../proxy/src/switchyard_proxy/ui/models/tail.js";

const settled = async () => {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
};
const line = (text) => `event: line\ndata: ${JSON.stringify(text)}\n\n`;

let logs;
let tail;

/** Each time the log is opened: what it says at once; and the way to say more, or to break off. */
function scripted(...answers) {
  logs = [];
  return async (signal) => {
    const answer = answers.shift() ?? "";
    if (answer instanceof Error) throw answer;
    return new Response(new ReadableStream({
      start(controller) {
        logs.push(controller);
        controller.enqueue(new TextEncoder().encode(answer));
        signal.addEventListener("abort", () => controller.error(new Error("aborted")));
      },
    }));
  };
}

const shown = () => tail.ring.lines.map(({ kind, text }) => (kind === "line" ? text : `(${kind})`));
const later = async (ms = 300) => {
  mock.timers.tick(ms);
  await settled();
};

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => {
  tail.stop();
  mock.timers.reset();
});

test("lines are gathered for a quarter of a second, and shown together", async () => {
  tail = new Tail(scripted(line("a") + line("b")));
  tail.start();
  await settled();
  assert.deepEqual(shown(), []);

  await later();

  assert.deepEqual(shown(), ["a", "b"]);
  assert.equal(tail.changed.value, 1);
});

test("after a break it goes on where it was, and what was read stays meanwhile", async () => {
  tail = new Tail(scripted(line("a") + line("b"), line("a") + line("b") + line("c")));
  tail.start();
  await settled();
  await later();

  logs[0].close();
  await settled();
  assert.equal(tail.state.value, "broken");
  assert.deepEqual(shown(), ["a", "b"]);
  await later(8_000);
  await later();

  assert.equal(tail.state.value, "live");
  assert.deepEqual(shown(), ["a", "b", "c"]);
});

test("another run is marked, and its lines follow", async () => {
  tail = new Tail(scripted(`${line("old")}event: new_run\ndata: {}\n\n${line("new")}`));
  tail.start();
  await settled();
  await later();

  assert.deepEqual(shown(), ["old", "(run)", "new"]);
});

test("a refusal is told, and not asked about again", async () => {
  tail = new Tail(scripted(Object.assign(new Error("cannot find the model"), { status: 404 })));
  tail.start();
  await settled();
  await later(60_000);

  assert.equal(tail.state.value, "refused");
  assert.equal(tail.refusal.value.message, "cannot find the model");
});

test("once stopped nothing more is shown", async () => {
  tail = new Tail(scripted(line("a")));
  tail.start();
  await settled();

  tail.stop();
  await later();

  assert.deepEqual(shown(), []);
});
