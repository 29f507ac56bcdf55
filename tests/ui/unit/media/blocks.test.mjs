import assert from "node:assert/strict";
import { test } from "node:test";

import {
  addedAfter, addedInto, attached, blocksOf, contentOf, isBlank, isPlain, joined, labelMap, pasteBlock, plain,
  removed, textBlock, textIn, withMedia, withRoom, withText,
} from "../../../../proxy/src/switchyard_proxy/ui/chat/blocks.js";

const image = (id, label = null) => ({ id: `m-${id}`, kind: "image", file: id, label });
const video = (id) => ({ id: `m-${id}`, kind: "video", file: id, label: null });
const ids = (blocks) => blocks.map((block) => block.file ?? block.name ?? block.text);

test("content has texts, media and labels in the order of the blocks", () => {
  const blocks = [textBlock("Compare"), image("a"), textBlock("with"), video("b"), image("c", "Back")];

  assert.deepEqual(contentOf(blocks), [
    { type: "text", text: "Compare" },
    { type: "image_url", file: "a", label: "Image 1" },
    { type: "text", text: "with" },
    { type: "video_url", file: "b", label: "Video 1" },
    { type: "image_url", file: "c", label: "Back" },
  ]);
});

test("empty texts are not sent, and spaces around texts neither", () => {
  assert.deepEqual(contentOf([textBlock("  "), textBlock(" hi \n")]), [{ type: "text", text: "hi" }]);
});

test("an attached file tells its name to the model, and a long paste has none", () => {
  const content = contentOf([pasteBlock("a.py", "x = 1", true), pasteBlock("pasted text", "long", false)]);

  assert.deepEqual(content, [
    { type: "text", text: "a.py:\n\nx = 1", name: "a.py" },
    { type: "text", text: "long", name: "pasted text" },
  ]);
});

test("stored content becomes the same content again after editing", () => {
  const content = contentOf([pasteBlock("a.py", "x = 1", true), image("a"), image("b", "Back"), textBlock("hi")]);

  const blocks = blocksOf(content, (id) => image(id));

  assert.deepEqual(contentOf(blocks), content);
});

test("labels that were counted are counted anew, and own ones stay", () => {
  const content = [{ type: "image_url", file: "a", label: "Image 7" }, { type: "image_url", file: "b", label: "Back" }];

  const blocks = blocksOf(content, (id) => image(id));

  assert.deepEqual(blocks.slice(0, 2).map((block) => block.label), [null, "Back"]);
});

test("a file that is gone leaves the rest of an old message", () => {
  const blocks = blocksOf([{ type: "image_url", file: "a" }, { type: "text", text: "hi" }], () => null);

  assert.deepEqual(ids(blocks), ["hi"]);
});

test("content without words, or of words alone, can be edited", () => {
  assert.equal(textIn(blocksOf("hello", () => null)), "hello");
  assert.equal(textIn(blocksOf([{ type: "image_url", file: "a" }], (id) => image(id))), "");
});

test("the plain composer has media, then attached texts, then one text", () => {
  const blocks = [textBlock("one "), image("a"), pasteBlock("p", "x", false), textBlock("two"), video("b")];

  assert.deepEqual(ids(plain(blocks)), ["a", "b", "p", "one\n\ntwo"]);
  assert.equal(isPlain(blocks), false);
  assert.equal(isPlain(plain(blocks)), true);
});

test("a text of its own keeps its spaces while it is typed", () => {
  const typed = [textBlock("hello ")];

  assert.equal(plain(typed)[0].text, "hello ");
  assert.equal(withText(typed, "hello w")[0].id, typed[0].id);
});

test("what is added takes the room of an empty text, and stands behind a filled one", () => {
  const empty = textBlock("");
  const filled = textBlock("hi");

  assert.deepEqual(ids(addedAfter([empty, filled], empty.id, [image("a")])), ["a", "hi"]);
  assert.deepEqual(ids(addedAfter([filled, video("b")], filled.id, [image("a")])), ["hi", "a", "b"]);
  assert.deepEqual(ids(addedAfter([filled], "gone", [image("a")])), ["hi", "a"]);
});

test("what comes into the middle of a text parts it, and at its ends it does not", () => {
  const text = textBlock("Compare this with that");
  const into = (cursor) => ids(addedInto([text, video("b")], text.id, cursor, [image("a")]));

  assert.deepEqual(into("Compare this".length), ["Compare this", "a", "with that", "b"]);
  assert.deepEqual(into(0), ["a", "Compare this with that", "b"]);
  assert.deepEqual(into(Infinity), ["Compare this with that", "a", "b"]);
  assert.deepEqual(ids(addedInto([text], null, 3, [image("a")])), ["Compare this with that", "a"]);
});

test("the last block leaves an empty text behind", () => {
  const only = image("a");

  assert.deepEqual(ids(removed([only], only.id)), [""]);
  assert.equal(isBlank(removed([only], only.id)), true);
});

test("media change their order among themselves and leave the texts where they are", () => {
  const blocks = [image("a"), textBlock("one"), video("b"), textBlock("two"), image("c")];

  assert.deepEqual(ids(withMedia(blocks, (items) => items.toReversed())), ["c", "one", "b", "two", "a"]);
});

test("a medium that is put back comes behind its neighbour, and one that goes leaves the rest", () => {
  const blocks = [image("a"), textBlock("one"), image("c")];

  assert.deepEqual(ids(withMedia(blocks, (items) => items.slice(1))), ["one", "c"]);
  assert.deepEqual(ids(withMedia(blocks, ([a, c]) => [a, video("b"), c])), ["a", "b", "one", "c"]);
});

test("nothing but spaces is nothing to send, and an attachment alone is something", () => {
  assert.equal(isBlank([textBlock(" \n")]), true);
  assert.equal(isBlank([textBlock(""), image("a")]), false);
});

test("what is attached comes behind what was, and in front of the text", () => {
  const blocks = plain([image("a"), textBlock("hi")]);

  assert.deepEqual(ids(attached(blocks, [video("b"), pasteBlock("p", "x", false), image("c")])), ["a", "b", "c", "p", "hi"]);
  assert.deepEqual(ids(attached(blocks, [image("a")])), ["a", "hi"]); // put back twice it is there once
});

test("a draft and what came before it was read are one message", () => {
  const draft = [image("a"), textBlock("half a")];

  assert.deepEqual(ids(joined(draft, [image("b"), textBlock("")], "text")), ["a", "b", "half a"]);
  assert.deepEqual(ids(joined(draft, [image("b"), textBlock("")], "blocks")), ["a", "half a", "b"]);
  assert.equal(joined(draft, [textBlock("")], "text"), draft);
});

test("there is always a text to go on writing in", () => {
  assert.deepEqual(ids(withRoom([image("a")])), ["a", ""]);
  assert.deepEqual(ids(withRoom([textBlock("hi")])), ["hi"]);
});

test("labels stand under the id of what they name", () => {
  const blocks = [image("a"), textBlock("x"), video("b")];

  assert.deepEqual([...labelMap(blocks, { image: 1, video: 0 })], [["m-a", "Image 2"], ["m-b", "Video 1"]]);
});
