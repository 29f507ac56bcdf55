// What the page is made to do while it is watched: each scene gives the cost of its frames and of its longest task.

const PROSE = [
  "# A heading of section {n}\n\n",
  "A paragraph with **stress**, `code`, a [link](https://example.com/{n}) and as many plain words as a reply has in a "
    + "line or two, so that it wraps at the end of its column more than once.\n\n",
  "- a first item of {n}\n- a second one\n  - with another inside\n- and a third\n\n",
  "| name | value |\n|---|--:|\n| row | {n} |\n| row | **{n}** |\n\n",
  "```python\ndef number_{n}(x: int) -> int:\n    return x + {n}  # a comment\n\n\nprint(number_{n}(1))\n```\n\n",
  "1. Then do this\n\n2. And then that, with a formula $x_{n}^2$\n\n",
];
const SHAPES = {
  mixed: (n) => PROSE[n % PROSE.length].replaceAll("{n}", n),
  "one list": (n) => `- item ${n} with **stress** and \`code\`\n`,
  "one table": (n) => (n === 0 ? "| a | b |\n|---|---|\n" : `| cell ${n} | **b** |\n`),
  "one block of code": (n) => (n === 0 ? "```python\n" : `value_${n} = ${n}  # a line of code\n`),
  "one paragraph": (n) => `words of line ${n} that never come to a blank line\n`,
  "one line": (n) => `word${n} `,
};

export function textOf(shape, length) {
  let text = "";
  for (let n = 0; text.length < length; n += 1) text += SHAPES[shape](n);
  return text.slice(0, length);
}

const frame = () => new Promise((resolve) => { browsersFrame(resolve); });
const browsersFrame = globalThis.requestAnimationFrame.bind(globalThis);
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Times every frame that is asked for, layout and all, and every task over 50 ms. */
export class Watch {
  frames = [];
  tasks = [];

  constructor() {
    this.observer = new PerformanceObserver((list) => this.tasks.push(...list.getEntries().map(({ duration }) => duration)));
    this.observer.observe({ type: "longtask" });
    globalThis.requestAnimationFrame = (draw) => browsersFrame((at) => {
      const begun = performance.now();
      draw(at);
      document.body.getBoundingClientRect();
      this.frames.push(performance.now() - begun);
    });
  }

  async end() {
    await pause(300);
    this.tasks.push(...this.observer.takeRecords().map(({ duration }) => duration));
    this.observer.disconnect();
    globalThis.requestAnimationFrame = browsersFrame;
    return { frames: this.frames, tasks: this.tasks };
  }
}

async function liveText(box) {
  const { LiveText } = await import("/ui/text/live.js");
  const element = document.createElement("div");
  box.replaceChildren(element);
  return new LiveText(element);
}

/** Tokens of four signs at a pace, into a reply that is long already. */
export async function paced({ before, length, perSecond }) {
  const text = textOf("mixed", before + length);
  const live = await liveText(document.querySelector("main"));
  live.append(text.slice(0, before));
  await pause(1_000);
  const watch = new Watch();
  const begun = performance.now();
  for (let sent = 0; sent < length;) {
    await pause(5);
    const due = Math.min(length, Math.floor((performance.now() - begun) * perSecond / 1000) * 4);
    for (; sent < due; sent += 4) live.append(text.slice(before + sent, before + Math.min(sent + 4, length)));
  }
  await live.finish();
  return watch.end();
}

/** A long reply as fast as frames come. */
export async function flood({ shape, length, perFrame }) {
  const text = textOf(shape, length);
  const live = await liveText(document.querySelector("main"));
  const watch = new Watch();
  for (let sent = 0; sent < length; sent += perFrame) {
    live.append(text.slice(sent, sent + perFrame));
    await frame();
  }
  await live.finish();
  return watch.end();
}

/** The same text, whole, as history is drawn. */
export async function settled({ shape, length }) {
  const { fillMarkdown } = await import("/ui/text/settled.js");
  const element = document.createElement("div");
  document.querySelector("main").replaceChildren(element);
  const watch = new Watch();
  await fillMarkdown(element, textOf(shape, length)).done;
  return watch.end();
}
