// A typed line: what it may become, and what it means.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  complete, ghostOf, interpret,
} from "../../../../proxy/src/switchyard_proxy/ui/shell/completion.js";

const TABLE = [
  { name: "chat", args: ["model", "text?"] },
  { name: "cancel", args: ["stream?"] },
  { name: "load", args: ["model"] },
  { name: "new" },
  { name: "image", args: ["text"] },
  { name: "press", args: ["control"] },
];
const SOURCES = {
  model: () => ["qwen-image", "qwen3-vl", "demo-chat"].map((name) => ({ name, note: "ready" })),
  control: () => ["copy as curl", "copy the id", "retry"].map((name) => ({ name })),
};
const choices = (line) => complete(line, TABLE, SOURCES);
const lines = (line) => choices(line).map((choice) => choice.line);

test("an empty line offers every command", () => {
  assert.equal(lines("").length, TABLE.length);
});

test("a line may begin as it does elsewhere", () => {
  assert.deepEqual(lines(":lo"), ["load "]);
  assert.deepEqual(lines("/lo"), ["load "]);
});

test("letters from the middle of a name find it", () => {
  assert.deepEqual(lines("ncl"), ["cancel "]);
});

test("an argument is completed by its kind", () => {
  assert.deepEqual(lines("load vl"), ["load qwen3-vl"]);
  assert.deepEqual(lines("load "), ["load qwen-image", "load qwen3-vl", "load demo-chat"]);
});

test("a text is nobody's to complete", () => {
  assert.deepEqual(lines("image qwe"), []);
  assert.deepEqual(lines("chat demo-chat qw"), []);
});

test("a name of several words is completed as one", () => {
  assert.deepEqual(lines("press copy as"), ["press copy as curl"]);
  assert.deepEqual(lines("press copy the "), ["press copy the id"]);
  assert.equal(ghostOf("press copy t", choices("press copy t")), "he id");
  assert.deepEqual(interpret("press copy as curl", TABLE).args, ["copy as curl"]);
});

test("the ghost is the rest of what begins so, and nothing else", () => {
  assert.equal(ghostOf("lo", choices("lo")), "ad");
  assert.equal(ghostOf("load qwen3", choices("load qwen3")), "-vl");
  assert.equal(ghostOf("load vl", choices("load vl")), "");
  assert.equal(ghostOf("load ", choices("load ")), "");
});

test("a text is the rest of the line as it stands", () => {
  const { command, args } = interpret("chat demo-chat  tell me:  why?", TABLE);

  assert.equal(command.name, "chat");
  assert.deepEqual(args, ["demo-chat", "tell me:  why?"]);
});

test("the beginning of a command will do if it is the only one", () => {
  assert.equal(interpret("im a lighthouse", TABLE).command.name, "image");
  assert.equal(interpret("c", TABLE).fault, "unknown");
});

test("what is missing is named", () => {
  assert.deepEqual(interpret("load", TABLE), { fault: "missing", name: "load", kind: "model" });
  assert.equal(interpret("chat demo-chat", TABLE).command.name, "chat");
  assert.equal(interpret("cancel", TABLE).command.name, "cancel");
});

test("an empty line asks for nothing", () => {
  assert.equal(interpret("  : ", TABLE).fault, "empty");
});
