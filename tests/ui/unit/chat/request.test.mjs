import assert from "node:assert/strict";
import test from "node:test";

import {
  body,
  rest,
  sampling,
  told,
  wireMessage,
} from "../../../../proxy/src/switchyard_proxy/ui/chat/request.js";

test("a conversation's own settings go before the page's, and what nobody set is not sent", () => {
  const found = sampling({ temperature: 0, top_p: null }, { temperature: 1, top_p: 0.9, seed: null });

  assert.deepEqual(found, { temperature: 0, top_p: 0.9 });
});

test("answers without a word are not told to the engine", () => {
  const question = { role: "user", text: "" };

  const left = told([
    question,
    { role: "assistant", text: "" },
    { role: "assistant", text: "", tools: [{}] },
  ]);

  assert.equal(left.length, 2);
  assert.equal(left[0], question);
});

test("a content of texts only is sent as one text", () => {
  const parts = [
    { type: "text", text: "first" },
    { type: "text", text: "second" },
  ];

  assert.deepEqual(wireMessage({ role: "user" }, parts), { role: "user", content: "first\n\nsecond" });
});

test("a content with a picture stays in parts", () => {
  const parts = [
    { type: "text", text: "see" },
    { type: "image_url", image_url: { url: "data:," } },
  ];

  assert.deepEqual(wireMessage({ role: "user" }, parts).content, parts);
});

test("calls of tools are told as the engine made them", () => {
  const record = { role: "assistant", text: "", tools: [{ id: "1", name: "time", given: "{}" }] };

  const message = wireMessage(record);

  assert.equal(message.content, null);
  assert.deepEqual(message.tool_calls, [
    { id: "1", type: "function", function: { name: "time", arguments: "{}" } },
  ]);
});

test("the prompt goes first, and an empty one not at all", () => {
  const messages = [{ role: "user", content: "hi" }];

  assert.equal(body({ model: "m", system: " \n", messages }).messages.length, 1);
  assert.deepEqual(body({ model: "m", system: "be brief", messages }).messages[0], {
    role: "system",
    content: "be brief",
  });
});

test("every body asks for a stream that ends with a count", () => {
  const made = body({ model: "m", messages: [] });

  assert.equal(made.stream, true);
  assert.deepEqual(made.stream_options, { include_usage: true });
});

test("the rest is asked for with the beginning as the last message", () => {
  const made = rest(body({ model: "m", messages: [{ role: "user", content: "hi" }] }), "half an \n");

  assert.deepEqual(made.messages.at(-1), { role: "assistant", content: "half an" });
  assert.equal(made.continue_final_message, true);
  assert.equal(made.add_generation_prompt, false);
});
