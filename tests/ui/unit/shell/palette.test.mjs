// The palette finds commands by what they are about, too.

import assert from "node:assert/strict";
import { test } from "node:test";
import { byName } from "../../../../proxy/src/switchyard_proxy/ui/shell/palette.js";

const TABLE = [
  { name: "theme", title: "shell.command.theme", args: ["theme"] },
  { name: "load", title: "shell.command.load", args: ["model"] },
  { name: "chat", title: "shell.command.chat", args: ["model", "text?"] },
  { name: "new", title: "shell.command.new" },
];
const NAMES = {
  theme: () => [{ name: "amber" }, { name: "paper" }],
  model: () => [{ name: "Paperclip-7B" }, { name: "qwen" }],
};
const lines = (wanted) => byName(wanted, TABLE, NAMES).map(({ line }) => line);

test("a name finds what can be done with it", () => {
  assert.deepEqual(lines("paper").sort(), ["load Paperclip-7B", "theme paper"]);
  assert.deepEqual(lines("qwen"), ["load qwen"]);
});

test("scattered letters and a command's own name find nothing this way", () => {
  assert.deepEqual(lines("pp"), []);
  assert.deepEqual(lines("theme"), []);
});
