import assert from "node:assert/strict";
import { test } from "node:test";

import {
  PACE, isLast, moveAfter, troubleIn,
} from "../../../../proxy/src/switchyard_proxy/ui/stream-moves.js";

const SEEN = {
  tried: "resume", canResume: true, mayAsk: false, isOver: false, isNews: true, trouble: null, failures: 0, chance: 1,
};
const CUT = { how: "cut" };
const ENDED = { how: "ended" };
const refused = (status, more = {}) => ({ how: "refused", error: { status, code: "c", message: "m", ...more } });
const after = (outcome, seen = {}) => moveAfter(outcome, { ...SEEN, ...seen });

test("a stream that told its own end is done, however the connection went", () => {
  assert.deepEqual(after(ENDED, { isOver: true }), { end: "done" });
  assert.deepEqual(after(CUT, { isOver: true }), { end: "done" });
});

test("a connection that broke is made again, each time later, never later than the longest", () => {
  const waits = [0, 1, 2, 3, 4, 5, 50, 5_000].map((failures) => after(CUT, { failures }).wait_ms);

  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000]);
});

test("chance takes up to half of a wait away", () => {
  assert.equal(after(CUT, { chance: 0 }).wait_ms, PACE.first_ms / 2);
});

test("a body that ended without an end is read again, and believed when nothing more comes", () => {
  assert.deepEqual(after(ENDED), { next: "resume", wait_ms: 0 });
  assert.deepEqual(after(ENDED, { isNews: false }), { end: "done" });
  assert.deepEqual(after(ENDED, { tried: "ask", isNews: false }), { next: "resume", wait_ms: 0 });
});

test("a stream that cannot be read again is done when it ends, and has failed when it breaks", () => {
  assert.deepEqual(after(ENDED, { canResume: false }), { end: "done" });
  assert.equal(after(CUT, { canResume: false }).error.code, "connection_lost");
});

for (const [code, end] of [
  ["stream_broken", "interrupted"], ["request_cancelled", "stopped"], ["backend_unavailable", "failed"],
]) {
  test(`an error among the events ends it: ${code} → ${end}`, () => {
    const trouble = { code, message: "m", status: 200 };

    assert.deepEqual(after(ENDED, { trouble, isOver: true }), { end, error: trouble });
    assert.deepEqual(after(CUT, { trouble }), { end, error: trouble });
  });
}

for (const status of [404, 410]) {
  test(`${status} on reading again: it is gone`, () => {
    const move = after(refused(status));

    assert.equal(move.end, "failed");
    assert.equal(move.error.code, "gone");
  });
}

test("503 with a time to wait is a wait of at least that time, not a failure", () => {
  const move = after(refused(503, { retryAfter: 20 }));

  assert.equal(move.next, "resume");
  assert.equal(move.wait_ms, 20_000);
  assert.equal(move.because.status, 503);
  assert.equal(after(refused(503, { retryAfter: 20 }), { tried: "ask" }).next, "ask");
});

test("503 that no time will mend is a failure", () => {
  assert.equal(after(refused(503, { retryAfter: null })).end, "failed");
  assert.equal(after(refused(503, { retryAfter: 5, retryable: false }), { tried: "ask" }).end, "failed");
});

test("nobody answers: reading again is tried for as long as it takes", () => {
  assert.equal(after(refused(0), { failures: 10_000, isNews: false }).next, "resume");
  assert.equal(after(refused(502), { failures: 10_000, isNews: false }).next, "resume");
});

test("a request that nobody answered is looked for before it is sent again", () => {
  const asked = { tried: "ask", canResume: false, mayAsk: true };

  assert.equal(after(refused(0), asked).next, "resume");
  assert.equal(after(refused(404), { ...asked, tried: "resume" }).next, "ask");
});

test("a request that was refused has failed", () => {
  for (const status of [400, 401, 403, 404, 413, 500, 502]) {
    assert.equal(after(refused(status), { tried: "ask", canResume: false, mayAsk: true }).end, "failed", status);
  }
});

test("a stream whose answer was a refusal says so again when it is read again, and is not waited for", () => {
  const move = after(refused(503, { retryAfter: 5, streamId: "stream_1" }));

  assert.equal(move.end, "failed");
});

test("errors are found in the shapes of all three dialects, and nowhere else", () => {
  const found = (event, data) => troubleIn({ event, data })?.code;

  assert.equal(found("message", '{"error":{"code":"overloaded","message":"m"}}'), "overloaded");
  assert.equal(found("error", '{"type":"error","error":{"type":"api_error","message":"m"}}'), "api_error");
  assert.equal(found("error", "not json"), "unknown");
  assert.equal(found("message", '{"error":null,"choices":[]}'), undefined);
  assert.equal(found("message", '{"choices":[{"delta":{"content":"{\\"error\\"}"}}]}'), undefined);
});

test("[DONE] is the end", () => {
  assert.ok(isLast({ data: "[DONE]" }));
  assert.ok(!isLast({ data: "{}" }));
});
