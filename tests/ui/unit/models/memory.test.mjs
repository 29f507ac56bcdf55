import assert from "node:assert/strict";
import { test } from "node:test";

import { ghostOf, lineThrough, partsOf, sharesOf } from "../../../../proxy/src/switchyard_proxy/ui/models/memory.js";

const GPU = {
  uuid: "GPU-a", name: "Card", total_mib: 24_000, reserve_mib: 500, claimed_mib: 8_000, used_mib: 8_200,
  models: [{ model: "chat", claim_mib: 8_000 }],
  processes: [
    { pid: 1, name: "python", used_mib: 7_000, model: "chat" },
    { pid: 2, name: "python", used_mib: 500, model: "chat" },
    { pid: 3, name: "Xorg", used_mib: 700, model: null },
  ],
};
const brief = (parts) => parts.map(({ kind, name, mib }) => [kind, name, mib]);

test("a bar is made of models, strangers, what is free and what is kept free", () => {
  assert.deepEqual(brief(partsOf(GPU)), [
    ["model", "chat", 8_000], ["stranger", "Xorg", 700], ["free", "", 14_800], ["reserve", "", 500],
  ]);
});

test("what a model really holds is told beside its claim, over all its processes", () => {
  assert.equal(partsOf(GPU)[0].measured, 7_500);
});

test("a model that holds more than it claims is as wide as what it holds", () => {
  const greedy = { ...GPU, models: [{ model: "chat", claim_mib: 5_000 }] };

  assert.equal(partsOf(greedy)[0].mib, 7_500);
});

test("what no process is named for is shown as others', not as free", () => {
  const parts = partsOf({ ...GPU, used_mib: 10_200 });

  assert.deepEqual(brief(parts)[2], ["other", "", 2_000]);
});

test("where processes cannot be measured one by one, our claims explain what is used", () => {
  const processes = [{ pid: 1, name: "python", used_mib: null, model: "chat" }];

  assert.deepEqual(brief(partsOf({ ...GPU, processes })), [
    ["model", "chat", 8_000], ["other", "", 200], ["free", "", 15_300], ["reserve", "", 500],
  ]);
});

test("shares add up to the whole bar, even where more is claimed than there is", () => {
  const parts = [{ mib: 20_000 }, { mib: 20_000 }];

  assert.deepEqual(sharesOf(parts, 24_000), [50, 50]);
  assert.deepEqual(sharesOf([{ mib: 6_000 }], 24_000), [25]);
});

test("a ghost stands behind all that stays, and is as wide as the need", () => {
  const explanation = { site: ["GPU-a"], victims: ["chat"], gpus: [{ uuid: "GPU-a", need_mib: 12_000 }] };

  const ghost = ghostOf(explanation, GPU);

  assert.equal(ghost.mib, 12_000);
  assert.equal(ghost.share, 50);
  assert.equal(ghost.start.toFixed(2), ((100 * 700) / 24_000).toFixed(2));
});

test("a model whose need is not known takes the whole GPU but the reserve", () => {
  const explanation = { site: ["GPU-a"], victims: [], gpus: [{ uuid: "GPU-a", need_mib: null }] };

  assert.equal(ghostOf(explanation, GPU).mib, 23_500);
});

test("a GPU that the plan does not take has no ghost", () => {
  assert.equal(ghostOf({ site: ["GPU-b"], victims: [], gpus: [] }, GPU), null);
  assert.equal(ghostOf(null, GPU), null);
});

test("a line through samples ends at the right, leaves out what was not measured and what is too old", () => {
  const samples = [[0, 50, 0], [90, 100, 0], [95, null, 0], [100, 0, 0]];

  assert.equal(lineThrough(samples, { width: 100, height: 10, most: 100, span: 20 }), "50.0,0.0 100.0,10.0");
  assert.equal(lineThrough([], { width: 100, height: 10, most: 100, span: 20 }), "");
});
