// Keys as browsers tell them, on the layouts that people have.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  capsOf, isSingle, isStroke, isTyping, parseKeys, parseStroke, strokeOf,
} from "../../../../proxy/src/switchyard_proxy/ui/shell/key-match.js";

const struck = (key, code, held = {}) => strokeOf({
  key, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held,
});
const isKey = (text, ...event) => isStroke(parseStroke(text), struck(...event));

test("a letter is that letter on its own layout", () => {
  assert.ok(isKey("j", "j", "KeyJ"));
  assert.ok(isKey("j", "j", "KeyC"), "on Dvorak the letter counts, not its place");
  assert.ok(!isKey("j", "k", "KeyK"));
});

test("a Cyrillic letter is the Latin one of its place", () => {
  assert.ok(isKey("g", "п", "KeyG"));
  assert.ok(isKey("[", "х", "BracketLeft"));
  assert.ok(isKey(":", "Ж", "Semicolon", { shiftKey: true }));
  assert.ok(isKey("Ctrl+K", "л", "KeyK", { ctrlKey: true }));
  assert.ok(isKey("Ctrl+.", "ю", "Period", { ctrlKey: true }));
});

test("the slash is a slash on a Russian layout, where it types a full stop", () => {
  assert.ok(isKey("/", ".", "Slash"));
  assert.ok(isKey("?", ",", "Slash", { shiftKey: true }));
  assert.ok(!isKey("/", ",", "Slash", { shiftKey: true }));
  assert.ok(!isKey("/", "?", "Slash"), "what says of itself that it is another is that other");
});

test("Shift tells a large letter from a small one, also while Caps Lock is on", () => {
  assert.ok(isKey("Shift+C", "C", "KeyC", { shiftKey: true }));
  assert.ok(!isKey("c", "C", "KeyC", { shiftKey: true }));
  assert.ok(isKey("c", "C", "KeyC"));
});

test("a symbol does not ask which key it needs beside it", () => {
  assert.ok(isKey("?", "?", "Slash", { shiftKey: true }));
  assert.ok(isKey(":", ":", "Period", { shiftKey: true }), "as on a German layout");
  assert.ok(isKey("[", "[", "Digit8", { ctrlKey: true, altKey: true, getModifierState: (name) => name === "AltGraph" }));
});

test("Ctrl in a table is ⌘ as well", () => {
  assert.ok(isKey("Ctrl+K", "k", "KeyK", { metaKey: true }));
  assert.ok(!isKey("k", "k", "KeyK", { ctrlKey: true }));
  assert.ok(!isKey("Ctrl+K", "k", "KeyK", { ctrlKey: true, altKey: true }));
});

test("named keys are themselves", () => {
  assert.ok(isKey("Alt+ArrowUp", "ArrowUp", "ArrowUp", { altKey: true }));
  assert.ok(isKey("Shift+F6", "F6", "F6", { shiftKey: true }));
  assert.ok(isKey("Space", " ", "Space"));
});

test("nothing counts while a word is being composed", () => {
  assert.equal(struck("Enter", "Enter", { isComposing: true }), null);
  assert.equal(struck("Process", "KeyA", { keyCode: 229 }), null);
});

test("a modifier by itself is no stroke", () => {
  assert.equal(struck("Shift", "ShiftLeft", { shiftKey: true }), null);
});

test("two strokes follow each other", () => {
  assert.deepEqual(parseKeys("g c").map(({ key }) => key), ["g", "c"]);
  assert.equal(parseStroke("+").key, "+");
  assert.equal(parseStroke("Ctrl++").key, "+");
});

test("typing is told from ordering", () => {
  assert.ok(isTyping(struck("a", "KeyA")));
  assert.ok(isTyping(struck("ArrowUp", "ArrowUp", { altKey: true })));
  assert.ok(!isTyping(struck("k", "KeyK", { ctrlKey: true })));
  assert.ok(!isTyping(struck("Escape", "Escape")));
  assert.ok(!isTyping(struck("F1", "F1")));
});

test("single keys are those that type a character", () => {
  assert.ok(isSingle(struck("j", "KeyJ")));
  assert.ok(!isSingle(struck("ArrowDown", "ArrowDown")));
  assert.ok(!isSingle(struck("k", "KeyK", { ctrlKey: true })));
});

test("keys are shown as they are printed on keyboards", () => {
  assert.deepEqual(capsOf("Ctrl+Shift+Z"), [["Ctrl", "Shift", "Z"]]);
  assert.deepEqual(capsOf("Ctrl+K", true), [["⌘", "K"]]);
  assert.deepEqual(capsOf("g c"), [["g"], ["c"]]);
  assert.deepEqual(capsOf("Alt+ArrowUp"), [["Alt", "↑"]]);
});
