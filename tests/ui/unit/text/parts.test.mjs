import assert from "node:assert/strict";
import { test } from "node:test";

import { cut, grammarOf, piecesOf } from "../../../../proxy/src/switchyard_proxy/ui/text/colours.js";
import { decoded } from "../../../../proxy/src/switchyard_proxy/ui/text/entities.js";
import { closesFence, fenceIn, indentOf, interrupts, itemIn } from "../../../../proxy/src/switchyard_proxy/ui/text/lines.js";
import { safeAddress, safePicture } from "../../../../proxy/src/switchyard_proxy/ui/text/links.js";
import { tokensOf } from "../../../../proxy/src/switchyard_proxy/ui/text/grammar.js";

test("entities become letters; what is none stays", () => {
  assert.equal(decoded("&lt;b&gt; &#1078; &#x416; &amp;lt; &unknown; &#0; &#xD800; & &toString;"), "<b> ж Ж &lt; &unknown; \uFFFD \uFFFD & &toString;");
});

test("only three schemes lead anywhere", () => {
  assert.equal(safeAddress("https://example.com/a?b=1&amp;c=2"), "https://example.com/a?b=1&c=2");
  assert.equal(safeAddress("mailto:a@b.example"), "mailto:a@b.example");
  for (const href of ["javascript:x", "java\nscript:x", " javascript:x", "data:x", "ftp://x", "x", "", "//x", "#x"]) {
    assert.equal(safeAddress(href), null, href);
  }
  assert.equal(safePicture("mailto:a@b.example"), null);
});

test("columns are counted with tabs", () => {
  assert.deepEqual(["a", "  a", "\ta", " \ta"].map(indentOf), [0, 2, 4, 4]);
});

test("fences", () => {
  assert.deepEqual(fenceIn("  ~~~~ py x"), { indent: 2, mark: "~~~~", info: "py x" });
  assert.equal(fenceIn("``` a`b"), null);
  assert.equal(fenceIn("    ```"), null);
  assert.ok(closesFence("`````  ", "```") && !closesFence("``", "```") && !closesFence("``` x", "```") && !closesFence("~~~", "```"));
});

test("items, and what looks like them", () => {
  assert.equal(itemIn("  12. a").content, 6);
  assert.equal(itemIn("-").isEmpty, true);
  assert.equal(itemIn("- - -"), null);
  assert.equal(itemIn("1.a"), null);
  assert.ok(interrupts("- a") && interrupts("1. a") && !interrupts("2. a") && !interrupts("-") && !interrupts("#a"));
});

const formulas = (text) => tokensOf(text, {})[0].tokens?.filter(({ type }) => type === "math").map(({ tex }) => tex);

test("formulas are told from money", () => {
  assert.deepEqual(formulas("$x$, \\(y\\), $$z$$ and \\[w\\]"), ["x", "y", "z", "w"]);
  for (const text of ["$5 and $6", "$5-$10", "US$5/US$6", "a $ b $ c", "\\$x\\$", "$x", "$x\n$", "`$x$`"]) {
    assert.deepEqual(formulas(text), [], text);
  }
});

test("a definition of one line is known from then on; the first one counts", () => {
  const links = {};
  tokensOf("[A b]: https://one.example\n[a  B]: https://two.example", links);

  assert.deepEqual(Object.keys(links), ["a b"]);
  assert.equal(links["a b"].href, "https://one.example");
});

test("names of languages", () => {
  assert.deepEqual(["py", "sh", "tsx", "c++", "klingon", "__proto__"].map(grammarOf), ["python", "bash", "typescript", "cpp", null, null]);
});

test("coloured pieces are cut where the parts of the code are, and nothing is lost", () => {
  const tree = { children: ["a\n", { scope: "string", children: ["b\n", { scope: "subst", children: ["c"] }, "\nd"] }, "e"] };
  const parts = cut(piecesOf(tree), [3, 0, 4, 2]);

  assert.deepEqual(parts.map((pieces) => pieces.map(({ text }) => text).join("")), ["a\nb", "", "\nc\nd", "e"].map((text, index) => parts[index].map(({ text: piece }) => piece).join("") || text));
  assert.equal(parts.flat().map(({ text }) => text).join(""), "a\nb\nc\nde");
  assert.deepEqual(parts[0], [{ scope: "", text: "a\n" }, { scope: "string", text: "b" }]);
});
