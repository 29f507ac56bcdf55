import assert from "node:assert/strict";
import test from "node:test";

import { Answer } from "../../../../proxy/src/switchyard_proxy/ui/chat/answer.js";

const RECORD = {
  id: "m",
  conversation: "c",
  parent: "q",
  role: "assistant",
  model: "qwen",
  state: "waiting",
  text: "",
};
const data = (content) => JSON.stringify({ choices: [{ delta: { content } }] });
const soon = () =>
  new Promise((done) => {
    setImmediate(done);
  });

/** Streams that do what a test says, and a store that remembers. */
function scene(record = RECORD) {
  const made = { streams: [], kept: [], siblings: [], ended: [], begun: [], now: 1_000 };
  const stream = (kind) => (wish) => {
    const one = { kind, wish, id: `s${made.streams.length + 1}`, lastSeq: 0, error: null, stopped: false };
    one.say = (text) => {
      one.lastSeq += 1;
      wish.onEvent({ id: String(one.lastSeq), event: "message", data: data(text) });
    };
    one.become = (state, error = null) => {
      one.error = error;
      wish.onState(state, one);
    };
    one.stop = () => {
      one.stopped = true;
      one.become("stopped");
    };
    made.streams.push(one);
    return one;
  };
  const ways = {
    startStream: stream("start"),
    resumeStream: stream("resume"),
    now: () => made.now,
    bodyFor: async (...asked) => ({ model: asked[2], messages: [{ role: "user", content: "hi" }] }),
    update: async (one) => {
      made.kept.push(structuredClone(one));
    },
    updateAtOnce: (one) => {
      made.kept.push(structuredClone(one));
    },
    add: async (records) => {
      made.siblings.push(...records);
    },
  };
  made.answer = new Answer(record, {
    tab: "t",
    ways,
    onEnd: (one) => made.ended.push(one),
    onBegunAgain: (one) => made.begun.push(one),
  });
  return made;
}

async function begun(record) {
  const made = scene(record);
  await made.answer.begin();
  made.answer.tell.scene = made;
  return [made, made.streams[0]];
}

test("an answer that came whole is done, with its text and its figures", async () => {
  const [made, stream] = await begun();

  made.now = 1_500;
  stream.say("one ");
  stream.say("two");
  stream.become("done");

  const [last] = made.ended;
  assert.deepEqual([last.state, last.text, last.asked, last.first], ["done", "one two", 1_000, 1_500]);
  assert.equal(last.lease, null);
});

test("each request has a name by which its stream is found before its id is known", async () => {
  const [made, stream] = await begun();

  assert.equal(stream.wish.conversation, "sw-m-1");
  assert.equal(made.kept[0].stream.name, "sw-m-1");
});

test("a stopped answer keeps its text", async () => {
  const [made, stream] = await begun();

  stream.say("half");
  made.answer.stop();

  assert.equal(stream.stopped, true);
  assert.deepEqual([made.ended[0].state, made.ended[0].text], ["stopped", "half"]);
});

test("stopping before the request has gone out ends it, and nothing is sent", async () => {
  const made = scene();

  const asking = made.answer.begin();
  made.answer.stop();
  await asking;

  assert.equal(made.streams.length, 0);
  assert.equal(made.ended[0].state, "stopped");
});

test("an error keeps what came before it", async () => {
  const [made, stream] = await begun();

  stream.say("half");
  stream.become("failed", { code: "backend_unavailable", message: "the engine is gone", status: 502 });

  assert.deepEqual([made.ended[0].state, made.ended[0].text], ["failed", "half"]);
  assert.equal(made.ended[0].error.code, "backend_unavailable");
});

test("a stream that broke off is completed with the rest, by itself", async () => {
  const [made, stream] = await begun();
  stream.say("one two ");

  stream.become("interrupted", { code: "stream_broken", message: "", status: 200 });
  await soon();
  const [, next] = made.streams;
  next.say(" three");
  next.become("done");

  assert.equal(next.wish.json.continue_final_message, true);
  assert.deepEqual(next.wish.json.messages.at(-1), { role: "assistant", content: "one two" });
  assert.equal(next.wish.conversation, "sw-m-2");
  assert.deepEqual([made.ended[0].text, made.ended[0].mended], ["one two three", "continued"]);
});

test("listeners are told to read anew when the text begins from another place", async () => {
  const [made, stream] = await begun();
  const heard = [];
  made.answer.listen((added) => heard.push(added && added.text));

  stream.say("one ");
  stream.become("interrupted");
  await soon();
  made.streams[1].say(" two");

  assert.deepEqual(heard, ["one ", null, " two"]);
  assert.equal(made.answer.text, "one two");
});

test("one that broke off before its first word is asked for once more, without a word of that", async () => {
  const [made, stream] = await begun();

  stream.become("interrupted");
  await soon();

  assert.equal("continue_final_message" in made.streams[1].wish.json, false);
  assert.equal(made.answer.record.mended, undefined);
});

test("an engine that cannot go on makes a new answer beside the broken one", async () => {
  const [made, stream] = await begun();
  stream.say("half");

  stream.become("interrupted");
  await soon();
  made.streams[1].become("failed", { code: "unsupported_parameter", message: "no", status: 400 });
  await soon();

  assert.deepEqual(
    [made.siblings[0].parent, made.siblings[0].instead, made.siblings[0].state],
    ["q", "m", "waiting"],
  );
  assert.equal(made.begun[0], made.siblings[0]);
  assert.deepEqual([made.ended[0].state, made.ended[0].text], ["failed", "half"]);
});

test("an answer that was begun again once is not begun again for ever", async () => {
  const [made, stream] = await begun({ ...RECORD, instead: "broken" });
  stream.say("half");

  stream.become("interrupted");
  await soon();
  made.streams[1].become("failed", { code: "unsupported_parameter", message: "no", status: 400 });
  await soon();

  assert.equal(made.siblings.length, 0);
  assert.deepEqual([made.ended[0].state, made.ended[0].text], ["failed", "half"]);
});

test("an answer that is being completed can be stopped before the rest is asked for", async () => {
  const [made, stream] = await begun();
  stream.say("half");

  stream.become("interrupted");
  made.answer.stop();
  await soon();

  assert.equal(made.streams.length, 1);
  assert.deepEqual([made.ended[0].state, made.ended[0].text], ["stopped", "half"]);
});

test("what is kept while the rest is asked for names no stream that is over", async () => {
  const [made, stream] = await begun();
  stream.say("half");

  stream.become("interrupted");
  await soon();

  const named = made.kept.find((one) => one.stream?.name === "sw-m-2");
  assert.deepEqual([named.stream.id, named.stream.seq], [null, 0]);
});

test("an engine that always breaks off is not asked for ever", async () => {
  const [made] = await begun();

  for (let turn = 0; turn < 10 && !made.ended.length; turn += 1) {
    made.streams.at(-1).say(`${turn} `);
    made.streams.at(-1).become("interrupted");
    await soon();
  }

  assert.equal(made.streams.length, 4);
  assert.equal(made.ended[0].state, "failed");
});

test("a stream that is kept no longer counts as broken off", async () => {
  const [made, stream] = await begun();
  stream.say("half");

  stream.become("failed", { code: "gone", message: "", status: 404 });
  await soon();

  assert.equal(made.streams[1].wish.json.continue_final_message, true);
});

test("after a reload it reads on where it was, from the text that was kept", async () => {
  const record = {
    ...RECORD,
    state: "streaming",
    text: "one ",
    stream: { id: "s9", seq: 4, name: "sw-m-1" },
  };
  const made = scene(record);

  made.answer.reattach();
  const [stream] = made.streams;
  stream.say("two");
  made.now = 9_000;
  stream.become("done");

  assert.deepEqual([stream.kind, stream.wish.id, stream.wish.lastSeq], ["resume", "s9", 4]);
  assert.deepEqual([made.ended[0].text, made.ended[0].lookedAway], ["one two", false]);
});

test("an answer that ended while nobody listened has no rate", () => {
  const made = scene({ ...RECORD, text: "one", stream: { id: "s9", seq: 4, name: "sw-m-1" } });

  made.answer.reattach();
  made.now += 10;
  made.streams[0].become("done");

  assert.equal(made.ended[0].lookedAway, true);
});

test("a page that goes gives its place up at once, with all that came", async () => {
  const [made, stream] = await begun();
  stream.say("half");

  made.answer.letGo();

  const last = made.kept.at(-1);
  assert.deepEqual([last.lease, last.text, last.stream.seq], [null, "half", 1]);
});

test("the rest of a stopped answer is asked for in its own place", async () => {
  const made = scene({
    ...RECORD,
    state: "stopped",
    text: "one",
    pieces: 1,
    stream: { id: "s1", seq: 3, name: "sw-m-1" },
    turn: 1,
  });

  await made.answer.goOn();

  assert.equal(made.streams[0].wish.json.continue_final_message, true);
  assert.equal(made.streams[0].wish.conversation, "sw-m-2");
});

test("a file that is gone fails the answer with words, and sends nothing", async () => {
  const made = scene();
  made.answer.ways.bodyFor = async () => {
    throw Object.assign(new Error("cannot find the file"), { code: "file_gone" });
  };

  await made.answer.begin();

  assert.deepEqual(
    [made.ended[0].state, made.ended[0].error.code, made.streams.length],
    ["failed", "file_gone", 0],
  );
});
