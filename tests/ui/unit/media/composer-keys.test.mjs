import assert from "node:assert/strict";
import { test } from "node:test";

import { actionOf, slashWord } from "../../../../proxy/src/switchyard_proxy/ui/chat/composer-keys.js";

const NOW = { text: "hi", enterSends: true, canEditLast: true, canLeave: false };
const press = (key, more = {}) => ({ key, ...more });

test("Enter sends and Shift+Enter makes a new line, or the other way round", () => {
  const swapped = { ...NOW, enterSends: false };

  assert.equal(actionOf(press("Enter"), NOW), "send");
  assert.equal(actionOf(press("Enter", { shiftKey: true }), NOW), "newline");
  assert.equal(actionOf(press("Enter"), swapped), "newline");
  assert.equal(actionOf(press("Enter", { shiftKey: true }), swapped), "send");
});

test("Ctrl+Enter sends whatever Enter does, among blocks too", () => {
  for (const enterSends of [true, false]) {
    assert.equal(actionOf(press("Enter", { ctrlKey: true }), { ...NOW, enterSends }), "send");
    assert.equal(actionOf(press("Enter", { metaKey: true }), { ...NOW, enterSends, isBlocks: true }), "send");
  }
});

test("among blocks Enter and Shift+Enter are new lines", () => {
  assert.equal(actionOf(press("Enter"), { ...NOW, isBlocks: true }), "newline");
  assert.equal(actionOf(press("Enter", { shiftKey: true }), { ...NOW, isBlocks: true }), "newline");
});

test("nothing is sent while a word is being composed", () => {
  assert.equal(actionOf(press("Enter", { isComposing: true }), NOW), null);
  assert.equal(actionOf(press("Enter", { keyCode: 229 }), NOW), null);
});

test("the arrow up edits the last message only from an empty composer", () => {
  assert.equal(actionOf(press("ArrowUp"), { ...NOW, text: "" }), "editLast");
  assert.equal(actionOf(press("ArrowUp"), NOW), null);
  assert.equal(actionOf(press("ArrowUp", { altKey: true }), { ...NOW, text: "" }), null);
  assert.equal(actionOf(press("ArrowUp"), { ...NOW, text: "", canEditLast: false }), null);
});

test("Escape leaves only where there is something to leave", () => {
  assert.equal(actionOf(press("Escape"), NOW), null);
  assert.equal(actionOf(press("Escape"), { ...NOW, canLeave: true }), "leave");
});

test("a lone slash and letters mean the menu, in any script; a path does not", () => {
  assert.equal(slashWord("/"), "");
  assert.equal(slashWord("/Im"), "im");
  assert.equal(slashWord("/кар"), "кар");
  for (const text of ["", "/etc/passwd", "a/", "/im age", "//"]) assert.equal(slashWord(text), null);
});
