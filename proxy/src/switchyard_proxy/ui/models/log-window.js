// The lines of a log that are in sight, and a box as high as all of them. Every row is as high as any other;
// a line that folds is several rows. One text node for each piece.

import { html, useLayoutEffect, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { lineAt, pieces, rowsOf, toneOfLine } from "./log-lines.js";

const BEYOND = 12; // rows drawn above and below what is seen
const TIME_COLUMNS = 9;

export function LogWindow({ tail, look, search, follows, onFollow }) {
  const box = useRef(null);
  const measure = useMeasure(box);
  const [top, setTop] = useState(0);
  const seen = useRef({ lost: tail.ring.lost, last: 0 });
  void tail.changed.value;

  const { lines, lost } = tail.ring;
  const columns = look.wraps ? Math.max(20, measure.columns - (look.times ? TIME_COLUMNS : 0)) : Infinity;
  const starts = rowsOf(lines, columns);
  const rows = starts[lines.length];

  useLayoutEffect(() => keepPlace(box.current, seen.current, {
    tail, follows, height: measure.height, starts, columns,
  }));
  useLayoutEffect(() => goTo(box.current, { search, lines, starts, height: measure.height }), [search.at]);

  const first = Math.max(0, Math.floor(top / measure.height) - BEYOND);
  const last = Math.min(rows, Math.ceil((top + measure.visible) / measure.height) + BEYOND);
  const unseen = follows ? 0 : Math.max(0, tail.ring.next - seen.current.last);
  return html`<div class="models-log-box">
    <div class="models-log-window" ref=${box} tabindex="0" role="log" aria-live="off"
        aria-label=${t("models.log.lines")}
        onScroll=${(event) => setTop(event.currentTarget.scrollTop)}
        ...${intents(follows, onFollow, seen, tail)}>
      <div class="models-log-height" style=${{ height: `${rows * measure.height}px` }}>
        <div class="models-log-rows" style=${{ transform: `translateY(${first * measure.height}px)` }}>
          ${drawn(lines, starts, first, last, columns).map(({ key, line, text, isFirst }) => html`
            <${Row} key=${key} line=${line} text=${text} isFirst=${isFirst} look=${look} wanted=${search.text}
              isMatch=${search.at === line.n} />`)}
        </div>
      </div>
    </div>
    ${unseen > 0 && html`<button class="button models-log-more" onClick=${() => onFollow(true)}>
      ↓ ${t("models.log.unseen", { n: unseen })}</button>`}
    ${lost > 0 && top < measure.height && html`<p
        class="models-log-lost dim small">${t("models.log.lost", { n: lost })}</p>`}
  </div>`;
}

/** The rows from one to another, each with its piece of its line. */
function drawn(lines, starts, first, last, columns) {
  const found = [];
  let i = lineAt(starts, first);
  for (let row = first; row < last; row += 1) {
    while (starts[i + 1] <= row) i += 1;
    const line = lines[i];
    const part = row - starts[i];
    const text = columns === Infinity ? line.text : line.text.slice(part * columns, (part + 1) * columns);
    found.push({ key: `${line.n}.${part}`, line, text, isFirst: part === 0 });
  }
  return found;
}

function Row({ line, text, isFirst, look, wanted, isMatch }) {
  if (line.kind !== "line") {
    const said = line.kind === "run" ? t("models.log.new_run") : t("models.log.gap");
    return html`<div class="models-log-mark dim">${said}</div>`;
  }
  const tone = toneOfLine(line.text);
  const name = `models-log-row${tone ? ` tone-${tone}` : ""}${isMatch ? " models-log-at" : ""}`;
  return html`<div class=${name}>${look.times && html`<time
      class="dim">${isFirst ? clock(line.at) : ""}</time>`}
    <span>${pieces(text, wanted).map((piece, at) => (at % 2 ? html`<mark>${piece}</mark>` : piece))}</span>
  </div>`;
}

function clock(at) {
  if (at === null) return "--:--:--";
  return new Date(at * 1000).toTimeString().slice(0, 8);
}

/** Following ends when the reader turns up, and begins when they reach the end by hand. */
function intents(follows, onFollow, seen, tail) {
  const leave = () => {
    if (follows) seen.current.last = tail.ring.next;
    if (follows) onFollow(false);
  };
  const settle = (event) => {
    const box = event.currentTarget;
    requestAnimationFrame(() => {
      if (box.scrollHeight - box.scrollTop - box.clientHeight < 4) onFollow(true);
    });
  };
  return {
    onWheel: (event) => (event.deltaY < 0 ? leave() : settle(event)),
    onTouchMove: leave,
    onTouchEnd: settle,
    onPointerDown: (event) => event.offsetX > event.currentTarget.clientWidth && leave(),
    onPointerUp: settle,
    onKeyDown: (event) => {
      if (["PageUp", "Home", "ArrowUp"].includes(event.key)) leave();
      if (event.key === "End") onFollow(true);
      if (event.key === "PageDown" || event.key === "ArrowDown") settle(event);
    },
  };
}

/** At the end while following; else the uppermost line stays so, though lines fall out or fold anew. */
function keepPlace(box, seen, { tail, follows, height, starts, columns }) {
  const { ring } = tail;
  const isMoved = seen.starts && (seen.lost !== ring.lost || seen.columns !== columns);
  if (follows) {
    box.scrollTop = starts[ring.lines.length] * height;
    seen.last = ring.next;
  } else if (isMoved) {
    const line = seen.lost + lineAt(seen.starts, Math.floor(box.scrollTop / height)) - ring.lost;
    box.scrollTop = starts[Math.max(0, line)] * height;
  }
  Object.assign(seen, { lost: ring.lost, starts, columns });
}

function goTo(box, { search, lines, starts, height }) {
  if (search.at === null || !lines.length) return;
  const at = search.at - lines[0].n;
  if (at >= 0 && at < lines.length) box.scrollTop = Math.max(0, starts[at] * height - box.clientHeight / 3);
}

/** How high a row is, how many columns fit, how much is seen: measured anew when the box changes. */
function useMeasure(box) {
  const [measure, setMeasure] = useState({ height: 20, columns: 80, visible: 400 });
  useLayoutEffect(() => {
    const probe = document.createElement("span");
    probe.textContent = "0".repeat(100);
    probe.className = "models-log-probe";
    const look = () => {
      box.current.append(probe);
      const { width, height } = probe.getBoundingClientRect();
      probe.remove();
      if (!width) return;
      const columns = Math.floor((box.current.clientWidth - 16) / (width / 100));
      setMeasure((old) => {
        const next = { height, columns, visible: box.current?.clientHeight ?? old.visible };
        return Object.keys(next).every((name) => next[name] === old[name]) ? old : next;
      });
    };
    const watcher = new ResizeObserver(look);
    watcher.observe(box.current);
    look();
    return () => watcher.disconnect();
  }, []);
  return measure;
}
