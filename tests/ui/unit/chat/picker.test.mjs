import assert from "node:assert/strict";
import test from "node:test";

import { choices, grouped } from "../../../../proxy/src/switchyard_proxy/ui/shell/picker.js";

const MODELS = [
  { name: "flux", type: "image", aliases: [] },
  { name: "qwen3-8b", type: "text", aliases: ["quick"], serving: { variants: { calm: {} } } },
  { name: "qwen3-vl", type: "vision", aliases: [] },
];
const SITES = [
  { site: 0, virtual: [{ name: "auto" }] },
  { site: 1, virtual: [{ name: "auto" }] },
];
const names = (groups) => groups.map(({ group, rows }) => [group, rows.map((row) => row.name)]);

test("models stand in groups by what they are for, with their variants, and what the proxy chooses last", () => {
  assert.deepEqual(
    names(
      grouped(
        choices(MODELS, SITES, () => true),
        "",
      ),
    ),
    [
      ["text", ["qwen3-8b", "qwen3-8b:calm"]],
      ["vision", ["qwen3-vl"]],
      ["image", ["flux"]],
      ["virtual", ["auto"]],
    ],
  );
});

test("only those that fit are offered", () => {
  const all = choices(MODELS, [], (model) => model.type === "image");

  assert.deepEqual(
    all.map((one) => one.name),
    ["flux"],
  );
});

test("typing narrows the list, by other names, too", () => {
  const all = choices(MODELS, SITES, () => true);

  assert.deepEqual(names(grouped(all, "vl")), [["vision", ["qwen3-vl"]]]);
  assert.deepEqual(names(grouped(all, "quick"))[0][1][0], "qwen3-8b");
  assert.deepEqual(grouped(all, "zzz"), []);
});
