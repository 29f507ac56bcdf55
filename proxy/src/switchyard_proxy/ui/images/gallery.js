// The gallery: every picture that was kept, the newest first. Of a long one only what is on the screen is
// there.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { number, t } from "../i18n/index.js";
import { format, go } from "../routes.js";
import { discard, dragged } from "./carrying.js";
import { neighbour, windowOf } from "./finding.js";
import { changes, get, ids, search } from "./pictures.js";
import { useUrl } from "./urls.js";

const CELL = 150;
const GAP = 8;
const TYPING_MS = 200;

/** Where one stood when the gallery was last seen: whoever comes back finds the place again. */
const left = { query: "", at: null, top: 0 };
export const wayBack = () => format({ view: "images", query: { q: left.query } });

/** @param {{query: string}} props */
export function Gallery({ query }) {
  left.query = query;
  const { found, isSearching } = useFound(query);
  const [marked, setMarked] = useState(null); // null: pictures are opened, not marked
  const here = marked?.filter((id) => found.includes(id)) ?? null;
  const mark = (id) => setMarked(here.includes(id) ? here.filter((one) => one !== id) : [...here, id]);
  const end = () => setMarked(null);
  const isBare = found.length === 0 && !query && !isSearching;
  return html`<section class="images-gallery" aria-label=${t("images.gallery")}>
    <div class="view-head">
      <h2 class="view-title">${t("images.gallery")} <span
        class="dim small">${number(found.length)}</span></h2>
      ${!isBare && html`<div class="toolbar">
        <${Search} query=${query} />
        <button class="button" aria-pressed=${marked !== null}
          onClick=${() => (marked ? end() : setMarked([]))}>
          ${t("images.mark")}</button>
      </div>`}
    </div>
    ${here && html`<${Marked} ids=${here} onEnd=${end} />`}
    ${found.length === 0 && !isSearching && html`
      <p class="empty">${t(query ? "images.gallery.none" : "images.gallery.empty")}</p>`}
    <${Grid} found=${found} marked=${here} onMark=${mark} />
  </section>`;
}

/** The ids to show: all of them, or those that match. */
function useFound(query) {
  const [state, setState] = useState({ found: [], isSearching: true });
  useEffect(() => {
    let isHere = true;
    if (!query.trim()) ids().then((found) => isHere && setState({ found, isSearching: false }));
    else {
      let found = [];
      search(query, (some) => {
        found = [...found, ...some];
        if (isHere) setState({ found, isSearching: true });
        return isHere;
      }).then(() => isHere && setState({ found, isSearching: false }));
    }
    return () => { isHere = false; };
  }, [query, changes.value]);
  return state;
}

function Search({ query }) {
  const timer = useRef(0);
  const type = (event) => {
    const q = event.target.value;
    clearTimeout(timer.current);
    const look = () => go(format({ view: "images", query: { q } }), { replace: true });
    timer.current = setTimeout(look, TYPING_MS);
  };
  return html`<input class="input images-search" type="search" name="search" defaultValue=${query} data-filter
    aria-label=${t("images.search")} placeholder=${t("images.search")} onInput=${type} />`;
}

function Marked({ ids: chosen, onEnd }) {
  const compare = () => go(format({ view: "images", path: ["compare", ...chosen] }));
  return html`<div class="toolbar images-marked" role="status">
    <span>${t("images.marked", { n: chosen.length })}</span>
    <button class="button" disabled=${chosen.length !== 2} onClick=${compare}>${t("images.compare")}</button>
    <button class="button button-danger" disabled=${chosen.length === 0}
      onClick=${() => { discard(chosen); onEnd(); }}>${t("images.delete")}</button>
    ${chosen.length !== 2 && html`<span class="field-hint">${t("images.compare.hint")}</span>`}
  </div>`;
}

function Grid({ found, marked, onMark }) {
  const grid = useRef(null);
  const seen = useWindow(grid, found.length);
  const [at, setAt] = useState(left.at ?? 0);
  const focus = Math.min(at, found.length - 1);
  const stand = (to) => { left.at = to; setAt(to); };
  useReturn(grid, found.length > 0);
  const walk = (event) => {
    const to = neighbour(event.key, focus, seen.columns, found.length);
    if (to === focus && !["Home", "End"].includes(event.key)) return;
    event.preventDefault();
    stand(to);
    requestAnimationFrame(() => reveal(grid.current, to, seen));
  };
  const shown = found.slice(seen.first, seen.last);
  // Where one stood may have been scrolled away: then Tab leads to what is here.
  const stop = focus >= seen.first && focus < seen.last ? focus : seen.first;
  const room = { paddingTop: `${seen.before}px`, paddingBottom: `${seen.after}px` };
  const style = { ...room, "--columns": seen.columns };
  return html`<div ref=${grid} class="images-grid-frame" style=${style}>
    <ul class="images-grid" onKeyDown=${walk} aria-label=${t("images.gallery.grid", { n: found.length })}>
      ${shown.map((id, i) => html`<${Tile} key=${id} id=${id} isStop=${seen.first + i === stop}
        marked=${marked ? marked.includes(id) : null} onMark=${onMark}
        onFocus=${() => stand(seen.first + i)} />`)}
    </ul></div>`;
}

/** What had the focus is gone where one comes back from a picture: one goes on where one stood. */
function useReturn(grid, isThere) {
  const { at, top } = useRef({ ...left }).current;
  const isLost = useRef(false);
  // Asked at once: until the pictures are found, something else gets the focus.
  useLayoutEffect(() => { isLost.current = document.activeElement === document.body; }, []);
  useLayoutEffect(() => {
    if (!isThere || at === null || !isLost.current) return;
    isLost.current = false;
    document.getElementById("main").scrollTop = top;
    const tile = () => grid.current?.querySelector('[tabindex="0"]');
    requestAnimationFrame(() => tile()?.focus({ preventScroll: true }));
  }, [isThere]);
}

/** Which part is on the screen. Told by the page's scrolling and by the grid's width. */
function useWindow(grid, count) {
  const [seen, setSeen] = useState({ columns: 1, first: 0, last: Math.min(count, 24), before: 0, after: 0 });
  useLayoutEffect(() => {
    const scroller = document.getElementById("main");
    const frame = grid.current;
    const look = () => {
      left.top = scroller.scrollTop;
      const top = scroller.getBoundingClientRect().top - frame.getBoundingClientRect().top;
      const next = windowOf({
        top, height: scroller.clientHeight, width: frame.clientWidth,
        cell: CELL, gap: GAP, count, spare: 2,
      });
      setSeen((now) => (JSON.stringify(now) === JSON.stringify(next) ? now : next));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(frame);
    scroller.addEventListener("scroll", look, { passive: true });
    return () => { observer.disconnect(); scroller.removeEventListener("scroll", look); };
  }, [count]);
  return seen;
}

function reveal(frame, to, seen) {
  const tile = frame.querySelectorAll(".images-tile")[to - seen.first];
  if (tile) return tile.querySelector("a, button").focus();
  const row = Math.floor(to / seen.columns);
  const way = row < seen.first / seen.columns ? -1 : 1;
  document.getElementById("main").scrollBy({ top: way * (CELL + GAP) });
  requestAnimationFrame(() => frame.querySelector('[tabindex="0"]')?.focus());
}

function Tile({ id, isStop, marked, onMark, onFocus }) {
  const picture = usePicture(id);
  const url = useUrl(picture?.thumb ?? picture?.blob, id);
  const prompt = picture?.params.prompt ?? "";
  const image = url && html`<img src=${url} alt="" loading="lazy" decoding="async" draggable=${false} />`;
  const common = {
    class: "images-tile-link images-checks", tabIndex: isStop ? 0 : -1, onFocus, title: prompt.slice(0, 300),
  };
  const label = t("images.picture", { prompt: prompt.slice(0, 200) });
  return html`<li class="images-tile">
    ${marked === null
      ? html`<a ...${common} aria-label=${label} href=${format({ view: "images", path: [id] })}
        draggable="true"
          onDragStart=${(event) => picture && dragged(event, picture)}>${image}</a>`
      : html`<button ...${common} type="button" role="checkbox" aria-checked=${marked} aria-label=${label}
          onClick=${() => onMark(id)}>${image}<span class="images-tick"
            aria-hidden="true">${marked ? "▣" : "▢"}</span></button>`}
  </li>`;
}

/** @param {string} id @returns {import("./pictures.js").Picture | null | undefined} null: not read yet */
export function usePicture(id) {
  const [picture, setPicture] = useState(null);
  useEffect(() => {
    let isHere = true;
    get(id).then((found) => isHere && setPicture(found));
    return () => { isHere = false; };
  }, [id, changes.value]);
  return picture;
}
