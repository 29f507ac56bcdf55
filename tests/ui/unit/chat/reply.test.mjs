import assert from "node:assert/strict";
import test from "node:test";

import { Reply } from "../../../../proxy/src/switchyard_proxy/ui/chat/reply.js";

const delta = (said) => JSON.stringify({ choices: [{ index: 0, delta: said }] });

test("text and thought are kept apart, whichever name the engine has for thought", () => {
  const reply = new Reply();

  reply.take(delta({ reasoning_content: "hm" }));
  reply.take(delta({ reasoning: ", so" }));
  const added = reply.take(delta({ content: "yes" }));

  assert.deepEqual([reply.thought, reply.text], ["hm, so", "yes"]);
  assert.deepEqual(added, { text: "yes", thought: "" });
});

test("signs of life, the end mark and broken JSON change nothing", () => {
  const reply = new Reply();

  for (const data of [
    "[DONE]",
    "{",
    "null",
    "3",
    '{"choices":[]}',
    '{"choices":[{"delta":{}}]}',
    '{"choices":[{}]}',
  ]) {
    reply.take(data);
  }

  assert.equal(reply.isEmpty, true);
  assert.equal(reply.pieces, 0);
});

test("a member that is no text is not taken for text", () => {
  const reply = new Reply();

  reply.take(delta({ content: { html: "<b>" }, reasoning: 3, tool_calls: "all" }));

  assert.deepEqual([reply.text, reply.thought, reply.kept.tools], ["", "", []]);
});

test("calls of tools grow in their places", () => {
  const reply = new Reply();
  const call = (index, made, id) => reply.take(delta({ tool_calls: [{ index, id, function: made }] }));

  call(0, { name: "weather", arguments: "" }, "call_1");
  call(1, { name: "time", arguments: "{}" }, "call_2");
  call(0, { arguments: '{"city":' });
  call(0, { arguments: '"Oslo"}' });

  assert.deepEqual(reply.kept.tools, [
    { id: "call_1", name: "weather", given: '{"city":"Oslo"}' },
    { id: "call_2", name: "time", given: "{}" },
  ]);
});

test("an index that no engine means does not fill the memory", () => {
  const reply = new Reply();

  reply.take(delta({ tool_calls: [{ index: 4_000_000_000, function: { name: "far" } }] }));

  assert.equal(reply.tools.length, 1);
});

test("the engine's count replaces the guess", () => {
  const reply = new Reply();

  reply.take(delta({ content: "two words" }));
  reply.take(JSON.stringify({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 } }));

  assert.deepEqual(reply.usage, { read: 7, made: 2, cached: null, isGuess: false });
});

test("the first error is the one that is told", () => {
  const reply = new Reply();

  reply.take('{"error": {"message": "no memory", "code": "cuda_out_of_memory"}}');
  reply.take('{"error": "later"}');

  assert.deepEqual(reply.error, { code: "cuda_out_of_memory", message: "no memory", param: "" });
});

test("the rest of an answer goes on where the text ended, without the blanks there", () => {
  const reply = Reply.after({
    text: "one two \n",
    thought: "hm",
    tools: [],
    usage: null,
    pieces: 3,
    isGuess: false,
  });

  reply.take(delta({ content: " three" }));

  assert.equal(reply.text, "one two three");
  assert.equal(reply.thought, "hm");
});

test("what an engine takes for thought in the rest of a text is text", () => {
  const reply = Reply.after({ text: "one", thought: "", tools: [], usage: null, pieces: 1, isGuess: false });

  const added = reply.take(delta({ reasoning_content: " two" }));

  assert.equal(reply.text, "one two");
  assert.deepEqual(added, { text: " two", thought: "" });
});

test("tokens of all requests are counted together, and it is said where nobody counted them", () => {
  const broken = Reply.after({ text: "a b", thought: "", tools: [], usage: null, pieces: 2, isGuess: false });
  const cut = Reply.after({
    text: "a b",
    thought: "",
    tools: [],
    usage: { made: 5 },
    pieces: 2,
    isGuess: false,
  });
  const usage = JSON.stringify({ choices: [], usage: { completion_tokens: 10 } });

  broken.take(usage);
  cut.take(usage);

  assert.deepEqual([broken.usage.made, broken.usage.isGuess], [12, true]);
  assert.deepEqual([cut.usage.made, cut.usage.isGuess], [15, false]);
});

test("what is kept is enough to read on from", () => {
  const first = Reply.after({
    text: "one",
    thought: "hm",
    tools: [],
    usage: null,
    pieces: 1,
    isGuess: false,
  });
  first.take(delta({ content: " two" }));

  const second = new Reply(first.kept);
  second.take(delta({ reasoning_content: " three" }));

  assert.equal(second.text, "one two three");
});
