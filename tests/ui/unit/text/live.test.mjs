import assert from "node:assert/strict";
import { test } from "node:test";

import { PIECES, chances, cuts, mixed } from "./corpus.mjs";
import { inside, pretendDocument, written } from "./document.mjs";

const { frame } = pretendDocument();
const { LiveText } = await import("../../../../proxy/src/switchyard_proxy/ui/text/live.js");
const { fillMarkdown, renderMarkdown } = await import("../../../../proxy/src/switchyard_proxy/ui/text/settled.js");

const settled = (text) => written(renderMarkdown(text));

/** The text as it looks after it came in these pieces, with a frame after some of them. */
async function streamed(pieces, drawsAfter = () => true) {
  const element = document.createElement("div");
  const live = new LiveText(element);
  for (const piece of pieces) {
    live.append(piece);
    if (drawsAfter()) frame();
  }
  await live.finish();
  return inside(element);
}

test("every piece of the grammar looks the same whether it came letter by letter or at once", async () => {
  for (const piece of PIECES) {
    for (const text of [piece, `${piece}after\n`, `before\n${piece}`, `- item\n\n${piece}`]) {
      assert.equal(await streamed([...text]), settled(text), JSON.stringify(text));
    }
  }
});

test("any text looks the same wherever it was cut, and whenever it was drawn", async () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const chance = chances(seed);
    const text = mixed(chance, 1 + Math.floor(chance() * 12));
    const pieces = cuts(chance, text, 1 + Math.floor(chance() * 40));

    assert.equal(await streamed(pieces, () => chance() < 0.7), settled(text), `seed ${seed}: ${JSON.stringify(text)}`);
  }
});

test("a whole that is drawn in slices is the same as one that is drawn at once", async () => {
  const text = mixed(chances(7), 2_000);
  const element = document.createElement("div");

  await fillMarkdown(element, text).done;

  assert.equal(inside(element), settled(text));
});

test("what is drawn stays: earlier nodes are the same objects at the end", async () => {
  const element = document.createElement("div");
  const live = new LiveText(element);
  live.append("# One\n\n- a\n- b\n\n");
  frame();
  const [heading, list] = element.childNodes;
  const [first] = list.childNodes;

  live.append("- c\n\n```js\nlet a;\n```\n\nThe end");
  frame();
  await live.finish();

  assert.equal(element.childNodes[0], heading);
  assert.equal(element.childNodes[1], list);
  assert.equal(list.childNodes[0], first);
  assert.equal(list.childNodes.length, 3);
});

test("an open block of code grows in the same node", async () => {
  const element = document.createElement("div");
  const live = new LiveText(element);
  live.append("```py\na = 1\n");
  frame();
  const text = element.querySelector("code").firstChild.firstChild;

  live.append("b = 2\nc");
  frame();
  live.append(" = 3\n```\n");
  await live.finish();

  assert.equal(element.querySelector("code").firstChild.firstChild, text);
  assert.equal(text.data, "a = 1\nb = 2\nc = 3");
});

test("what may become something else is not shown yet", () => {
  const shown = (text) => {
    const element = document.createElement("div");
    const live = new LiveText(element);
    live.append(text);
    frame();
    live.drop();
    return inside(element);
  };

  assert.equal(shown("Text\n-"), shown("Text"));
  assert.equal(shown("Text\n--"), shown("Text"));
  assert.equal(shown("```\ncode\n``"), shown("```\ncode"));
  assert.equal(shown("Text\n\n1."), shown("Text"));
  assert.notEqual(shown("Text\n- a"), shown("Text"));
});

test("in a hidden tab it is drawn without a frame, and going there draws what waits", async () => {
  const element = document.createElement("div");
  const live = new LiveText(element);
  live.append("one");
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(element.textContent, "one");

  live.append(" two");
  await new Promise((resolve) => { setTimeout(resolve, 5); });

  assert.equal(element.textContent, "one two");
  document.visibilityState = "visible";
  live.drop();
});

test("after drop nothing more is drawn, and the text is there", () => {
  const element = document.createElement("div");
  const live = new LiveText(element);
  live.append("one");
  frame();

  live.drop();
  live.append(" two");
  frame();

  assert.equal(element.textContent, "one");
  assert.equal(live.text, "one two");
});

test("finish twice is finish once", async () => {
  const element = document.createElement("div");
  const live = new LiveText(element);
  live.append("one");

  await Promise.all([live.finish(), live.finish()]);

  assert.equal(element.childNodes.length, 1);
});
