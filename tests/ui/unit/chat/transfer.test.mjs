import assert from "node:assert/strict";
import test from "node:test";

import { asJson, asMarkdown, fileName } from "../../../../proxy/src/switchyard_proxy/ui/chat/export.js";
import { chatsIn, NotChats } from "../../../../proxy/src/switchyard_proxy/ui/chat/import.js";

const NOW = 2_000_000;
const WORDS = {
  title: "New",
  user: "you",
  assistant: "assistant",
  system: "Prompt",
  thought: "thought",
  file: "file",
};
const conversation = {
  id: "c1",
  title: "Ladders",
  created: 1,
  updated: 2,
  pinned: true,
  model: "qwen",
  system: "be brief",
  sampling: { temperature: 0.5 },
  leaf: "m3",
  deleted: null,
};
const messages = [
  {
    id: "m1",
    conversation: "c1",
    parent: "",
    role: "user",
    at: 1,
    text: "see",
    content: [
      { type: "text", text: "see" },
      { type: "image_url", file: "f1", label: "Image 1" },
    ],
  },
  {
    id: "m2",
    conversation: "c1",
    parent: "m1",
    role: "assistant",
    at: 2,
    text: "old",
    model: "qwen",
    state: "done",
  },
  {
    id: "m3",
    conversation: "c1",
    parent: "m1",
    role: "assistant",
    at: 3,
    text: "new",
    thought: "hm",
    model: "qwen",
    state: "streaming",
    lease: { tab: "x", until: 9 },
    stream: { id: "s" },
    usage: { made: 4, read: 2 },
  },
];
const files = [{ id: "f1", name: "ladder.png", type: "image/png", data: "AAAA" }];

const counter = () => {
  let last = 0;
  return () => `new${(last += 1)}`;
};
const read = (text) => chatsIn(text, counter(), NOW);

test("what was taken out comes in again, under new names", () => {
  const {
    chats: [chat],
    files: [file],
  } = read(asJson([{ conversation, messages }], files, NOW));

  assert.deepEqual(
    chat.messages.map((one) => one.text),
    ["see", "old", "new"],
  );
  assert.equal(
    chat.messages.some((one) => messages.some((old) => old.id === one.id)),
    false,
  );
  assert.equal(chat.messages[2].parent, chat.messages[0].id);
  assert.equal(chat.conversation.leaf, chat.messages[2].id);
  assert.deepEqual(chat.conversation.sampling, { temperature: 0.5 });
  assert.equal(chat.messages[0].content[1].file, file.id);
  assert.deepEqual(chat.messages[2].usage, { made: 4, read: 2 });
});

test("an answer that grew when it was taken out has stopped when it comes in", () => {
  const {
    chats: [chat],
  } = read(asJson([{ conversation, messages }], files, NOW));

  assert.equal(chat.messages[2].state, "stopped");
  assert.equal("lease" in chat.messages[2], false);
  assert.equal("stream" in chat.messages[2], false);
});

test("a bare list of messages is one conversation", () => {
  const {
    chats: [chat],
  } = read(
    JSON.stringify([
      { role: "user", content: "hi" },
      { role: "assistant", content: [{ type: "text", text: "ho" }] },
    ]),
  );

  assert.deepEqual(
    chat.messages.map((one) => [one.role, one.text]),
    [
      ["user", "hi"],
      ["assistant", "ho"],
    ],
  );
  assert.equal(chat.conversation.leaf, chat.messages[1].id);
});

test("a file that is something else is refused, and says why", () => {
  assert.throws(() => read("{"), new NotChats("json"));
  assert.throws(() => read('{"a": 1}'), new NotChats("form"));
  assert.throws(() => read("null"), new NotChats("form"));
  assert.throws(() => read("[]"), new NotChats("empty"));
});

test("members of the wrong kind do no harm", () => {
  const {
    chats: [chat],
  } = read(
    JSON.stringify({
      format: "switchyard-chats",
      files: "none",
      chats: [
        7,
        {
          title: { toString: "x" },
          sampling: { temperature: "hot", evil: 1 },
          created: "now",
          messages: [
            null,
            { id: 3, role: "user" },
            { id: "a", role: "root", text: "no" },
            {
              id: "b",
              role: "user",
              text: 5,
              content: [{ type: "image_url", file: "f9" }, "x", { type: "text", text: "yes" }],
            },
          ],
        },
      ],
    }),
  );

  assert.equal(chat.messages.length, 1);
  assert.deepEqual(chat.messages[0].content, [{ type: "text", text: "yes" }]);
  assert.deepEqual(
    [chat.conversation.title, chat.conversation.created, chat.conversation.sampling],
    ["", NOW, {}],
  );
});

test("Markdown has the branch that is shown, and only that", () => {
  const text = asMarkdown(conversation, messages, WORDS);

  assert.match(text, /^# Ladders\n/);
  assert.match(text, /> \*\*Prompt\*\* be brief/);
  assert.match(text, /## qwen\n\n<details><summary>thought<\/summary>\n\nhm\n\n<\/details>\n\nnew\n$/);
  assert.match(text, /\*\[file: Image 1\]\*/);
  assert.equal(text.includes("old"), false);
});

test("a fence within a text does not end the fence around it", () => {
  const record = {
    id: "m",
    parent: "",
    role: "user",
    text: "",
    content: [{ type: "text", text: "```\ncode\n```", name: "notes.txt" }],
  };

  const text = asMarkdown({ ...conversation, leaf: "m" }, [record], WORDS);

  assert.match(text, /\n````\n```\ncode\n```\n````\n/);
});

test("a name of a file is made of letters and digits, whatever the title is", () => {
  assert.equal(fileName("../../etc: passwd?", "md"), "etc-passwd.md");
  assert.equal(fileName("Лестница №5", "json"), "Лестница-5.json");
  assert.equal(fileName("???", "md"), "chat.md");
});
