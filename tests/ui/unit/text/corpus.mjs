// Texts that replies are made of, and a way to mix them that chance chooses but a number repeats.

export const PIECES = [
  "# A heading\n", "## With *stress* and `code`\n", "Setext\n===\n", "Setext two\n---\n", "---\n", "***\n", "* * *\n",
  "A paragraph of words.\nIts second line.\n", "One with **bold**, *it*, ~~del~~, `a ` b`, \\* and &amp; &nbsp; &#1078;.\n",
  "A [link](https://example.com/a?b=1&amp;c=2 \"t\"), <https://auto.example>, www.bare.example, a@b.example.\n",
  "- one\n- two\n- three\n", "* one\n\n* two\n", "1. one\n2. two\n", "3) three\n4) four\n", "- [x] done\n- [ ] not\n",
  "- one\n  - nested\n    - deeper\n- two\n\n  its second paragraph\n- three\n", "1. a\n  - sloppy\n2. b\n",
  "1. Do:\n   ```bash\n   ls\n\n   - not an item\n   ```\n2. Then\n", "- a\nlazy line\n- b\n", "-\n- after an empty one\n",
  "```python\ndef f(x):\n    return x  # 1\n\n\nprint(f(1))\n```\n", "~~~\n```\n~~~\n", "````md\n```js\nx\n```\n````\n",
  "```\nno language\n  indented\n```\n", "  ```js\n  let a;\n b\n  ```\n", "``` not`a fence\n", "```\n\n```\n",
  "    indented code\n\n    goes on\n", "\tby a tab\n", "> a quote\n> of two lines\nand a lazy one\n", "> > two deep\n>\n> - item\n",
  "| a | b |\n|---|:-:|\n| 1 | **2** |\n| 3 |\n", "a | b\n--- | ---\n1 | 2\n3 | 4 | 5\n", "Text\n| x |\n|---|\n| [r] |\n\n",
  "| no | table |\n", "|---|\n", "Inline $x^2 + y_1$ and \\(z\\), cost $5 and $6.\n", "$$\na\n- b\n= c\n$$\n", "\\[ x = 1 \\]\n",
  "\\[\n\\frac{a}{b}\n\\]\n", "$$\nnever closed\n\n", "$$x$$ and words\n", "A [ref] and [other][two], ![pic](http://x.example/p.png)\n",
  "[ref]: https://ref.example 'T'\n", "[two]: <https://two.example>\n\n", "[^1]: a footnote\n", "<div onclick=\"x\">\n\n<b>html</b>\n",
  "<script>alert(1)</script>\n", "[x](javascript:alert(1)) [y](data:text/html,x)\n", "Line one  \nline two\\\nline three\r\n",
  "Windows\r\n\r\n- lines\r\n- here\r\n", "\n", "\n\n\n", "   \n", "🐞 жук **жирный** 漢字\n", "** not bold **\n", "unclosed **bold and `code\n",
  "text without an end of line", "1986\\. A year\n", "+ plus\n+ list\n", "#no heading\n", "#\n", "####### seven\n", "\\# escaped\n",
  "- ```\n  code in an item\n  ```\n- b\n", "10. ten\n11. eleven\n   1. nested\n", "- a\n\n\n- b\n\n    code in it\n", "=\n", "-\n", "1.\n",
];

/** Numbers from 0 to 1, always the same for the same seed. */
export function chances(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const pick = (chance, list) => list[Math.floor(chance() * list.length)];

/** A text of some pieces, with blank lines between some of them. */
export function mixed(chance, count) {
  let text = "";
  for (let index = 0; index < count; index += 1) text += pick(chance, PIECES) + (chance() < 0.4 ? "\n" : "");
  return text;
}

/** The text in pieces cut anywhere, also inside a letter of two units. */
export function cuts(chance, text, longest) {
  const pieces = [];
  for (let from = 0; from < text.length;) {
    const length = 1 + Math.floor(chance() * longest);
    pieces.push(text.slice(from, from + length));
    from += length;
  }
  return pieces;
}
