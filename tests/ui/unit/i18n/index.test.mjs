// Words, numbers and times in both languages.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import {
  ago, bytes, has, loadArea, number, percent, resolve, seconds, setLang, t,
} from "../../../../proxy/src/switchyard_proxy/ui/i18n/index.js";

before(() => loadArea("shell"));

test("a key without a text is shown as it is", async () => {
  await setLang("en");

  assert.equal(t("shell.no_such_key"), "shell.no_such_key");
  assert.equal(t("nowhere.at.all"), "nowhere.at.all");
  assert.ok(has("shell.close"));
  assert.ok(!has("shell.no_such_key"));
});

test("values stand in their places, numbers as the language writes them", async () => {
  await setLang("en");

  assert.equal(t("shell.fault.model", { name: "a{b}" }), "There is no model “a{b}”.");
  assert.equal(t("shell.boot.ready", { n: 12345 }), "12,345 ready");
});

test("Russian has its three forms", async () => {
  await setLang("ru");

  assert.deepEqual([1, 2, 5, 11, 21, 22].map((n) => t("shell.boot.models", { n })), [
    "1 модель", "2 модели", "5 моделей", "11 моделей", "21 модель", "22 модели",
  ]);
});

test("sizes keep the digits that matter", async () => {
  await setLang("en");

  assert.equal(bytes(0), "0 B");
  assert.equal(bytes(1023), "1,023 B");
  assert.equal(bytes(1536), "1.5 KiB");
  assert.equal(bytes(24 * 1024 ** 3), "24 GiB");
  await setLang("ru");
  assert.equal(bytes(1536), "1,5 КиБ");
});

test("spans are told as people would", async () => {
  await setLang("en");

  assert.deepEqual([0.42, 9.96, 14.4, 59.7, 125, 120, 12000].map(seconds), [
    "0.4 s", "10 s", "14 s", "1 min", "2 min 5 s", "2 min", "3 h 20 min",
  ]);
});

test("moments are told by how long ago they were", async () => {
  await setLang("en");

  assert.equal(ago(1000, 1000), "now");
  assert.equal(ago(1000, 1030), "30 seconds ago");
  assert.equal(ago(1000, 1000 + 7300), "2 hours ago");
  assert.equal(ago(0, 86400 * 400), "last year");
});

test("shares are whole per cents", async () => {
  await setLang("en");

  assert.equal(percent(0.624), "62%");
  assert.equal(number(0.5), "0.5");
});

test("the language follows the browser unless one was chosen", () => {
  assert.equal(resolve("auto", ["de-DE", "ru-RU", "en-GB"]), "ru");
  assert.equal(resolve("auto", ["de"]), "en");
  assert.equal(resolve("en", ["ru"]), "en");
});
