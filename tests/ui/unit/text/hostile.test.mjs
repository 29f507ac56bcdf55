import assert from "node:assert/strict";
import { test } from "node:test";

import { pretendDocument, written } from "./document.mjs";

pretendDocument();
const { renderMarkdown } = await import("../../../../proxy/src/switchyard_proxy/ui/text/settled.js");
const { Blocks } = await import("../../../../proxy/src/switchyard_proxy/ui/text/blocks.js");

const drawn = (text) => written(renderMarkdown(text));

for (const text of [
  "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b onclick=\"x\">b</b>", "<!-- c -->", "a <i>b</i> c",
  "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](java&#115;cript:alert(1))", "[x](&#x1;javascript:alert(1))",
  "[x](data:text/html,<b>)", "[x](vbscript:x)", "[x](file:///etc/passwd)", "[x](//example.com)", "[x](/v1/models)",
  "[x](#/settings)", "![x](data:image/png;base64,AAAA)", "![x](blob:abc)", "![x](javascript:alert(1))", "<javascript:alert(1)>",
]) {
  test(`stays text: ${text}`, () => {
    const fragment = renderMarkdown(text);

    assert.deepEqual(fragment.childNodes.map(({ nodeName }) => nodeName), ["P"]);
    assert.deepEqual(fragment.firstChild.childNodes.map(({ nodeName }) => nodeName), ["#text"]);
    assert.equal(fragment.textContent, text);
  });
}

test("a definition does not smuggle in what a link may not be", () => {
  assert.ok(!drawn("[x]\n\n[x]: javascript:alert(1)\n").includes("<a"));
});

test("a link opens elsewhere, tells nothing of here, and shows where it leads", () => {
  const found = drawn("[words](https://example.com/a \"t\")");

  assert.match(found, /target="_blank"/);
  assert.match(found, /rel="noopener noreferrer nofollow"/);
  assert.match(found, /title="https:\/\/example.com\/a"/);
});

test("a picture elsewhere is a link to it; inside a link it is its words", () => {
  assert.match(drawn("![a cat](https://example.com/c.png)"), /<a class="picture-link" href="https:\/\/example.com\/c.png"/);
  assert.equal(drawn("[![cat](https://a.example/c.png)](https://b.example)").match(/<a /g).length, 1);
});

const N = 8_000;
const FLOODS = {
  "quotes in quotes": ">".repeat(N), "lists in lists": "- ".repeat(N / 2), "wide lists in lists": `${"-   ".repeat(39)}x`,
  "brackets": "[".repeat(N), "half links": "[a](".repeat(N / 4), "half pictures": "![".repeat(N / 2), "stars": "*".repeat(N),
  "open stress": "*a **b ".repeat(N / 7), "underlines": "_a".repeat(N / 2), "all marks": "*_~`[".repeat(N / 5),
  "backticks": Array.from({ length: 120 }, (_, index) => "`".repeat(index + 1)).join("a"), "angles": "<a@".repeat(N / 3),
  "dollars": "$".repeat(N), "dollars and letters": "$a".repeat(N / 2), "open formulas": "\\(a".repeat(N / 3),
  "open blocks of formulas": "\\[a".repeat(N / 3), "pipes": "|".repeat(N), "definitions": "[a]: ".repeat(N / 5),
  "a wide table": `${"|a".repeat(900)}|\n${"|-".repeat(900)}|\n${"|b".repeat(900)}|\n`, "blanks": `a${" ".repeat(N)}x`,
  "an address": `${"a.".repeat(N / 2)}@b`, "short lines": "a\n".repeat(N / 2), "lazy lines": `> ${"a\n".repeat(N / 2)}`,
  "a megabyte in a line": "word ".repeat(200_000), "a megabyte without a blank": "x".repeat(1_000_000),
  "an open fence of a megabyte": `\`\`\`\n${"line\n".repeat(200_000)}`, "ampersands": "&#".repeat(N / 2),
};

for (const [name, text] of Object.entries(FLOODS)) {
  test(`a flood is drawn soon, and nothing of it is lost: ${name}`, () => {
    const begun = performance.now();
    const blocks = new Blocks();
    blocks.push(text);
    blocks.preview();

    const { textContent } = renderMarkdown(text);

    assert.ok(performance.now() - begun < 5_000, `${performance.now() - begun} ms`);
    assert.ok(textContent.length > 0 || /^(?:>|- |\[a\]: |[|$*])+$/.test(text));
  });
}
