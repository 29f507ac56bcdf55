// The help lists what is bound, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { groupsOf } from "../../../../proxy/src/switchyard_proxy/ui/shell/help.js";

const key = (keys, title) => ({ keys, title });

test("what is nearest comes first, and a dialog's own keys are not the view's", () => {
  const groups = groupsOf([
    { scope: "app", title: "anywhere", keys: [key("?", "help")] },
    { scope: "view", title: "models", keys: [key("j", "next")] },
    { scope: "dialog", keys: [key("Enter", "ok")] },
  ]);

  assert.deepEqual(groups.map(({ title }) => title), ["models", "anywhere"]);
});

test("keys that do the same stand in one row", () => {
  const [{ rows }] = groupsOf([{ scope: "app", title: "anywhere", keys: [key("?", "help"), key("F1", "help")] }]);

  assert.deepEqual(rows, [{ title: "help", keys: ["?", "F1"] }]);
});

test("of two that listen to the same key only the nearer one is listed", () => {
  const groups = groupsOf([
    { scope: "app", title: "anywhere", keys: [key("Ctrl+.", "stop all"), key("F1", "help")] },
    { scope: "view", title: "chat", keys: [key("Ctrl+.", "stop the answer")] },
  ]);

  assert.deepEqual(groups.map(({ rows }) => rows.map(({ title }) => title)), [["stop the answer"], ["help"]]);
});
