// Models of one name on two machines are told apart.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { loadArea, setLang } from "../../../../proxy/src/switchyard_proxy/ui/i18n/index.js";
import { whereabouts } from "../../../../proxy/src/switchyard_proxy/ui/shell/whereabouts.js";

const SITES = [{ site: 0, url: "http://127.0.0.1:8079" }, { site: 1, url: "http://gpu-pc:8079" }];
const HERE = { name: "echo", site: 0 };
const THERE = { name: "echo", site: 1 };
const ALONE = { name: "writer", site: 1 };
const ALL = [HERE, THERE, ALONE];

before(() => Promise.all([setLang("en"), loadArea("shell")]));

test("two of one name are told with their machines", () => {
  assert.equal(whereabouts(HERE, ALL, SITES), "localhost");
  assert.equal(whereabouts(THERE, ALL, SITES), "gpu-pc");
});

test("a name that only one machine has is enough", () => {
  assert.equal(whereabouts(ALONE, ALL, SITES), "");
  assert.equal(whereabouts({ name: "echo" }, [{ name: "echo" }, ALONE], []), "");
});

test("a machine whose address is not told is called by its number, in the reader's words", async () => {
  const untold = SITES.map(({ site }) => ({ site }));

  assert.equal(whereabouts(THERE, ALL, untold), "machine 2");
  assert.equal(whereabouts({ name: "echo" }, ALL, []), "machine 1");

  await setLang("ru");
  assert.equal(whereabouts(THERE, ALL, untold), "машина 2");
  await setLang("en");
});
