import assert from "node:assert/strict";
import { test } from "node:test";

import { morphRow } from "../../../../proxy/src/switchyard_proxy/ui/text/morph.js";
import { inside, pretendDocument } from "./document.mjs";

pretendDocument();

/** `[name, attributes, ...children]`, or a text. */
function tree(spec) {
  if (typeof spec === "string") return document.createTextNode(spec);
  const [name, attributes, ...children] = spec;
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.map(tree));
  return made;
}

function morphed(old, wanted) {
  const root = document.createElement("div");
  const end = document.createElement("hr");
  const stands = old.map(tree);
  root.append(...stands, end);
  const now = morphRow(root, stands, wanted.map(tree), end);
  return { root, stands, now, text: inside(root) };
}

test("it ends up like what was wanted, before what stands behind", () => {
  const wanted = [["p", {}, "a", ["b", {}, "c"]], ["ul", { class: "x" }, ["li", {}, "d"]]];
  const expected = morphed([], wanted).text;

  for (const old of [[["p", {}, "a"]], [["ul", {}, "x"], "text", ["p", {}]], [...wanted, ["p", {}, "more"]], ["t"]]) {
    assert.equal(morphed(old, wanted).text, expected, JSON.stringify(old));
  }
});

test("what is alike stays the same node, and text that grows is added to", () => {
  const { stands, now } = morphed([["p", {}, "Hel"]], [["p", {}, "Hello"]]);

  assert.equal(now[0], stands[0]);
  assert.equal(now[0].firstChild.data, "Hello");
});

test("an element with other attributes is another one", () => {
  const { stands, now } = morphed([["p", { class: "a" }]], [["p", { class: "b" }]]);

  assert.notEqual(now[0], stands[0]);
});

test("what was drawn inside a formula stays", () => {
  const { now } = morphed([["span", { "data-tex": "x" }, ["math", {}]]], [["span", { "data-tex": "x" }, "x"]]);

  assert.equal(now[0].firstChild.nodeName, "MATH");
});
