import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

import { curl } from "../../../../proxy/src/switchyard_proxy/ui/chat/curl.js";
import { LEASE_MS, lease, leasedFor } from "../../../../proxy/src/switchyard_proxy/ui/chat/lease.js";
import { excerpt } from "../../../../proxy/src/switchyard_proxy/ui/store/search.js";
import { newId } from "../../../../proxy/src/switchyard_proxy/ui/store/ids.js";
import { upgrades, VERSION } from "../../../../proxy/src/switchyard_proxy/ui/store/db.js";

/** What a shell makes of the line. */
const words = (line) =>
  execFileSync("sh", ["-c", line.replace(/^curl/, "printf '%s\\0'")], { env: { SWITCHYARD_KEY: "k" } })
    .toString()
    .split("\0")
    .slice(0, -1);

test("a shell reads any message as it was written", () => {
  const body = { messages: [{ content: `it's $HOME \`id\` "quoted" \\ !\nnext` }] };

  const said = words(curl("http://box:8080", body, true));

  assert.deepEqual(JSON.parse(said.at(-1)), body);
  assert.equal(said[1], "http://box:8080/v1/chat/completions");
  assert.ok(said.includes("Authorization: Bearer k"));
});

test("pictures are cut to their beginning in a line for a shell", () => {
  const body = { url: `data:image/png;base64,${"A".repeat(5_000)}` };

  assert.deepEqual(JSON.parse(words(curl("http://box", body, false)).at(-1)), {
    url: "data:image/png;base64,…",
  });
});

test("a lease keeps other tabs away until it runs out, and never its own", () => {
  const record = { lease: lease("one", 1_000) };

  assert.equal(leasedFor(record, "one", 1_000), 0);
  assert.equal(leasedFor(record, "two", 1_000), LEASE_MS);
  assert.equal(leasedFor(record, "two", 1_000 + LEASE_MS), 0);
  assert.equal(leasedFor({ lease: null }, "two", 1_000), 0);
});

test("a clock that was set back locks nobody out for long", () => {
  assert.equal(leasedFor({ lease: lease("one", 9_000_000) }, "two", 1_000), LEASE_MS);
});

test("an excerpt shows the words around the hit, in any case and over line ends", () => {
  assert.deepEqual(excerpt("The Ladder\n\n leans on the wall", "ladder leans"), {
    before: "The ",
    hit: "Ladder leans",
    after: " on the wall",
  });
  assert.equal(excerpt("a ladder", "wall"), null);
  assert.equal(excerpt("a ladder", "  "), null);
});

test("a long text is cut on both sides", () => {
  const { before, after } = excerpt(`${"a ".repeat(100)}hit${" b".repeat(100)}`, "hit");

  assert.ok(before.startsWith("…") && after.endsWith("…") && before.length + after.length < 100);
});

test("names sort by the time at which they were made, even within a millisecond", () => {
  const made = Array.from({ length: 100 }, () => newId(5));

  assert.deepEqual(made.toSorted(), made);
  assert.equal(new Set(made).size, 100);
});

test("a new browser gets every shelf, and one that is up to date none", () => {
  assert.ok(upgrades(0).length > 5);
  assert.deepEqual(upgrades(VERSION), []);
});
