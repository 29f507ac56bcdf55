import assert from "node:assert/strict";
import { test } from "node:test";

import { lineIn, placeIn, stepsOf } from "../../../../proxy/src/switchyard_proxy/ui/models/json-places.js";

const TEXT = `{
  "models": {
    "qwen2.5": {"type": "text", "aliases": ["a", "b{]"], "n": [1, {"x": 2}]},
    "draw": {"type": "image"}
  }
}
`;
const at = (path, text = TEXT) => {
  const place = placeIn(text, path);
  return place && text.slice(place.start, place.end);
};

test("a place is read as faults write it", () => {
  assert.deepEqual(stepsOf('models["qwen2.5"].aliases[0]'), ["models", "qwen2.5", "aliases", 0]);
  assert.deepEqual(stepsOf('models["a\\"b"]'), ["models", 'a"b']);
  assert.deepEqual(stepsOf("virtual.any-chat.$comment"), ["virtual", "any-chat", "$comment"]);
  assert.equal(stepsOf("what is this?"), null);
});

test("a member is found by its key, an item by its value", () => {
  assert.equal(at("models"), '"models"');
  assert.equal(at('models["qwen2.5"].aliases[1]'), '"b{]"');
  assert.equal(at('models["qwen2.5"].n[1].x'), '"x"');
  assert.equal(at("models.draw.type"), '"type"');
  assert.equal(placeIn(TEXT, "models.draw.type").start, TEXT.lastIndexOf('"type"'));
});

test("what is not there is looked for one step up", () => {
  assert.equal(at("models.draw.repo"), '"draw"');
  assert.equal(at("settings"), null);
});

test("a text that breaks off is read up to there", () => {
  assert.equal(at("models.draw.type", '{"models": {"draw": {"type": "ima'), '"type"');
});

test("a fault of the file as a whole has no place in it, but may have a line", () => {
  assert.equal(at(""), null);
  assert.deepEqual(lineIn("ab\ncd", 2, 2), { start: 4, end: 5 });
  assert.equal(lineIn("ab", 9), null);
});
