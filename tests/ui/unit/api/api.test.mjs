// Calls to the proxy: what is sent, and what becomes of every way in which one can fail.

import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { ApiError, explain, open, request } from "../../../../proxy/src/switchyard_proxy/ui/api.js";
import { loadArea, setLang } from "../../../../proxy/src/switchyard_proxy/ui/i18n/index.js";
import { change } from "../../../../proxy/src/switchyard_proxy/ui/store/settings.js";

const real = globalThis.fetch;
let asked;
let answer;

beforeEach(async () => {
  asked = [];
  answer = () => new Response("{}");
  globalThis.fetch = async (path, options) => { asked.push({ path, ...options }); return answer(); };
  change({ key: "" });
  await Promise.all([setLang("en"), loadArea("errors")]);
});
after(() => { globalThis.fetch = real; });

const refused = (status, body, headers = {}) => () => new Response(body, { status, headers });

test("a JSON body says that it is one, and a key is sent where there is one", async () => {
  change({ key: "sk-1" });

  await request("POST", "/v1/chat/completions", { json: { model: "a" } });

  const [{ method, body, headers }] = asked;
  assert.deepEqual([method, body], ["POST", '{"model":"a"}']);
  assert.deepEqual(headers, { "Content-Type": "application/json", Authorization: "Bearer sk-1" });
});

test("without a key and a body nothing is said of them", async () => {
  await request("GET", "/api/ui");

  assert.deepEqual(asked[0].headers, {});
});

test("an answer without a body is null", async () => {
  answer = () => new Response(null, { status: 204 });

  assert.equal(await request("DELETE", "/v1/streams/a"), null);
});

test("an error is what the proxy said of it", async () => {
  const error = { message: "cannot take more", type: "server_error", param: "model", code: "overloaded" };
  answer = refused(503, JSON.stringify({ error }), { "retry-after": "7", "x-request-id": "r-1" });

  await assert.rejects(open("GET", "/v1/models"), (thrown) => {
    assert.ok(thrown instanceof ApiError);
    const { status, code, message, param, retryAfter, requestId } = thrown;
    assert.deepEqual(
      [status, code, message, param, retryAfter, requestId],
      [503, "overloaded", "cannot take more", "model", 7, "r-1"],
    );
    return true;
  });
});

test("an error that says nothing readable is known by its status", async () => {
  for (const body of ["<html>", "", "null", "[]", '"no"']) {
    answer = refused(502, body);
    await assert.rejects(request("GET", "/api/ui"), { status: 502, code: "unknown", retryAfter: null });
  }
});

test("an engine's plain detail is a message, too", async () => {
  answer = refused(404, JSON.stringify({ detail: "Not Found" }));

  await assert.rejects(request("GET", "/v1/nothing"), { message: "Not Found" });
});

test("nobody there is told from given up", async () => {
  answer = () => { throw new TypeError("fetch failed"); };
  await assert.rejects(request("GET", "/api/ui"), { status: 0, code: "proxy_unreachable" });

  answer = () => { throw new DOMException("", "AbortError"); };
  await assert.rejects(request("GET", "/api/ui"), { name: "AbortError" });
});

test("an English reader gets the server's own sentence, a Russian one its meaning before it", async () => {
  const error = new ApiError({ status: 503, code: "overloaded", message: "cannot take more: 100 wait" });

  assert.equal(explain(error), "cannot take more: 100 wait");
  await setLang("ru");
  assert.match(explain(error), /^[А-Я].+ \(cannot take more: 100 wait\)$/);
});

test("what no server said is said by the page", () => {
  const away = new ApiError({ status: 0, code: "proxy_unreachable", message: "fetch failed" });

  assert.match(explain(away), /^The proxy does not answer\./);
  assert.equal(explain(new Error("cannot read that file")), "cannot read that file");
});
