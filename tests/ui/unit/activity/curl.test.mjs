import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

import { curlOf, quoted } from "../../../../proxy/src/switchyard_proxy/ui/activity/curl.js";

const ROW = { route: "/v1/chat/completions", asked: "qwen", streams: true, key: "laptop" };
const ORIGIN = "http://box:8080";
/** What a shell makes of a line that begins with curl: its words. */
const words = (line) => execFileSync("sh", ["-c", line.replace(/^curl/, "printf '%s\\0'")]).toString()
  .split("\0").slice(0, -1);

test("a shell reads any text as one word", () => {
  const text = `it's "$HOME" \`id\` \\ ; rm -rf / \n next`;

  assert.deepEqual(words(`curl ${quoted(text)}`), [text]);
});

test("a streamed chat becomes a line that asks the same again", () => {
  const [flags, address, , header, , kind, , body] = words(curlOf(ROW, { origin: ORIGIN }));

  assert.equal(flags, "-sN");
  assert.equal(address, "http://box:8080/v1/chat/completions");
  assert.equal(header, "Authorization: Bearer ");
  assert.equal(kind, "Content-Type: application/json");
  const messages = [{ role: "user", content: "…" }];
  assert.deepEqual(JSON.parse(body), { model: "qwen", messages, stream: true });
});

test("the key itself is never in the line", () => {
  assert.match(curlOf(ROW, { origin: ORIGIN }), /\$SWITCHYARD_API_KEY/);
  assert.doesNotMatch(curlOf({ ...ROW, key: "anyone" }, { origin: ORIGIN }), /Authorization/);
});

test("a captured body is used as it was", () => {
  const request = { text: '{"input": "it\'s"}', cut: false };
  const captured = { method: "POST", target: "/v1/embeddings?x=1", request };

  const line = words(curlOf(ROW, { origin: ORIGIN, captured }));

  assert.equal(line[1], "http://box:8080/v1/embeddings?x=1");
  assert.equal(line.at(-1), '{"input": "it\'s"}');
});

test("half a body is worth less than an example", () => {
  const captured = { method: "POST", target: "/x", request: { text: '{"mod', cut: true } };

  assert.doesNotMatch(curlOf(ROW, { origin: ORIGIN, captured }), /\{"mod'/);
});

test("a request without a model has no body", () => {
  const line = curlOf({ route: "/v1/models", asked: "", streams: false, key: "anyone" }, { origin: ORIGIN });

  assert.equal(line, "curl -s http://box:8080/v1/models");
});
