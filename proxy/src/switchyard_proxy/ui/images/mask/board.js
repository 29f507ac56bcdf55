// The board on which a mask is painted: image, tint, brush ring; mouse, pen and fingers; zoom and pan. What a
// stroke means is its owner's; here it only becomes points in the image's pixels.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../../html.js";
import { t } from "../../i18n/index.js";
import { fit, panned, pinched, snapped, toFrame, toImage, zoomed } from "./geometry.js";
import { marked, paintAll, paintDeed, paintLine } from "./paint.js";
import { extended } from "./strokes.js";

const WHEEL = 1.0015;
const NUDGES = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
const MIDDLE = 1;
const MEANT = 24; // numbers of a stroke, two for each point

/**
 * @param {{handle: {current: any}, image: ImageBitmap, mask: import("./strokes.js").Mask, tool:
 *   "brush"|"erase",
 *   size: number, isBare: boolean, onStroke: (stroke: import("./strokes.js").Stroke) => void,
 *   onPart: (part: number) => void}} props `handle` gets `fit()` and `zoom(factor)`; `onPart` hears which
 *   part is marked
 */
export function Board({ handle, image, mask, tool, size, isBare, onStroke, onPart }) {
  const frame = useRef(null);
  const picture = useRef(null);
  const tint = useRef(null);
  const [view, setView] = useView(frame, image);
  const [ring, setRing] = useState(null);
  const isSpace = useSpace();
  useEffect(() => frame.current.focus({ preventScroll: true }), []);
  const box = () => ({ width: frame.current.clientWidth, height: frame.current.clientHeight });
  const zoom = (factor, at = { x: box().width / 2, y: box().height / 2 }) => (
    setView((now) => zoomed(now, at, factor, image, box())));
  handle.current = { fit: () => setView(fit(image, box())), zoom };
  useLayoutEffect(() => { picture.current.getContext("2d").drawImage(image, 0, 0); }, [image]);
  useLayoutEffect(() => {
    paintAll(pen(tint.current), mask, colourOf(frame.current));
    onPart(partOf(tint.current));
  }, [mask, image]);
  useWheel(frame, zoom);
  const hands = useRef(null);
  hands.current ??= new Hands();
  Object.assign(hands.current, {
    view, setView, image, tool, size, isSpace, onStroke, box, setRing,
    at: (event) => placeOf(frame.current, event),
    repaint: () => paintAll(pen(tint.current), mask, colourOf(frame.current)),
    context: () => pen(tint.current),
    colour: () => colourOf(frame.current),
  });
  const hear = (name) => (event) => hands.current[name](event);
  const walk = (event) => nudge(event, (by) => setView((now) => panned(now, by, image, box())));
  const style = {
    transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
    width: `${image.width}px`,
    height: `${image.height}px`,
  };
  return html`<div ref=${frame} class=${`images-board${isSpace ? " images-board-pan" : ""}`} tabindex="0"
    role="application"
      aria-label=${t("images.mask.board")} onKeyDown=${walk}
      onPointerDown=${hear("down")} onPointerMove=${hear("move")}
      onPointerUp=${hear("up")} onPointerCancel=${hear("cancel")} onPointerLeave=${() => setRing(null)}
      onContextMenu=${(event) => event.preventDefault()}>
    <canvas ref=${picture}
      class=${`images-board-layer images-checks${view.scale > 3 ? " images-board-sharp" : ""}`}
      width=${image.width} height=${image.height} style=${style}></canvas>
    <canvas ref=${tint}
      class=${`images-board-layer images-board-tint${view.scale > 3 ? " images-board-sharp" : ""}`}
      hidden=${isBare}
      width=${image.width} height=${image.height} style=${style}></canvas>
    ${ring && !isSpace && html`<${Ring} at=${ring} size=${size} view=${view} tool=${tool} />`}
  </div>`;
}

const pen = (canvas) => canvas.getContext("2d", { willReadFrequently: true });
const colourOf = (element) => getComputedStyle(element).getPropertyValue("--mask").trim();

function partOf(canvas) {
  const { width, height } = canvas;
  return marked(pen(canvas).getImageData(0, 0, width, height).data) / (width * height);
}

/** Fitted at first, and again when the frame changes before anybody has moved the picture. */
function useView(frame, image) {
  const [view, setView] = useState({ scale: 1, x: 0, y: 0 });
  const isMoved = useRef(false);
  useLayoutEffect(() => {
    const element = frame.current;
    const refit = () => {
      const { clientWidth: width, clientHeight: height } = element;
      if (!isMoved.current && width && height) setView(fit(image, { width, height }));
    };
    refit();
    const observer = new ResizeObserver(refit);
    observer.observe(element);
    return () => observer.disconnect();
  }, [image]);
  return [view, (next) => { isMoved.current = true; setView(next); }];
}

/** Whether Space is held outside of what it would press. */
function useSpace() {
  const [isDown, setDown] = useState(false);
  useEffect(() => {
    const press = (event) => {
      if (event.key !== " " || event.target.closest("button, input, textarea, select, a")) return;
      event.preventDefault();
      setDown(true);
    };
    const release = (event) => { if (event.type === "blur" || event.key === " ") setDown(false); };
    const hooks = [["keydown", press], ["keyup", release], ["blur", release]];
    for (const [name, hear] of hooks) addEventListener(name, hear);
    return () => { for (const [name, hear] of hooks) removeEventListener(name, hear); };
  }, []);
  return isDown;
}

/** Not by Preact: the page must not scroll, and passive listeners cannot prevent it. */
function useWheel(frame, zoom) {
  const latest = useRef(zoom);
  latest.current = zoom;
  useEffect(() => {
    const element = frame.current;
    const turn = (event) => {
      event.preventDefault();
      latest.current(WHEEL ** -event.deltaY, placeOf(element, event));
    };
    element.addEventListener("wheel", turn, { passive: false });
    return () => element.removeEventListener("wheel", turn);
  }, []);
}

function placeOf(element, event) {
  const { left, top } = element.getBoundingClientRect();
  return { x: event.clientX - left - element.clientLeft, y: event.clientY - top - element.clientTop };
}

function nudge(event, pan) {
  const by = NUDGES[event.key];
  if (!by) return;
  event.preventDefault();
  pan({ x: by[0], y: by[1] });
}

function Ring({ at, size, view, tool }) {
  const middle = toFrame(view, snapped(toImage(view, at), size));
  const across = Math.max(2, size * view.scale);
  return html`<span class=${`images-ring images-ring-${tool}`} aria-hidden="true" style=${{
    transform: `translate(${middle.x - across / 2}px, ${middle.y - across / 2}px)`,
    width: `${across}px`,
    height: `${across}px`,
  }}></span>`;
}

/** The pointers that are down: one paints, one with Space or the middle button moves the image, two zoom. */
class Hands {
  #down = new Map();
  #stroke = null;
  #pan = null;

  down(event) {
    event.preventDefault();
    event.currentTarget.focus({ preventScroll: true });
    event.currentTarget.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, this.at(event));
    if (this.#down.size > 1) return this.#giveUp();
    if (this.isSpace || event.button === MIDDLE) this.#pan = this.at(event);
    else if (event.button === 0) this.#begin(event);
  }

  move(event) {
    const at = this.at(event);
    if (event.pointerType !== "touch") this.setRing(at);
    if (!this.#down.has(event.pointerId)) return;
    if (this.#down.size === 2) this.#pinch(event.pointerId, at);
    else if (this.#pan) {
      const by = { x: at.x - this.#pan.x, y: at.y - this.#pan.y };
      this.setView((now) => panned(now, by, this.image, this.box()));
      this.#pan = at;
    } else if (this.#stroke) this.#draw(event);
    this.#down.set(event.pointerId, at);
  }

  up(event) {
    this.#down.delete(event.pointerId);
    this.#pan = null;
    const stroke = this.#stroke;
    this.#stroke = null;
    if (stroke) this.onStroke(stroke);
  }

  cancel(event) {
    this.up(event);
  }

  #begin(event) {
    this.#stroke = { kind: this.tool, size: this.size, points: [] };
    this.#draw(event);
  }

  /** Every point that the device saw, not only those that made it into a frame. */
  #draw(event) {
    const seen = event.getCoalescedEvents?.() ?? [];
    const from = Math.max(0, this.#stroke.points.length - 2);
    for (const one of seen.length > 0 ? seen : [event]) {
      const at = snapped(toImage(this.view, this.at(one)), this.size);
      this.#stroke = extended(this.#stroke, at);
    }
    this.#paint(from);
  }

  #paint(from) {
    const context = this.context();
    if (this.#stroke.points.length === 2) return paintDeed(context, this.#stroke, this.colour());
    context.save();
    context.strokeStyle = this.colour();
    if (this.#stroke.kind === "erase") context.globalCompositeOperation = "destination-out";
    paintLine(context, this.#stroke.points, this.#stroke.size, from);
    context.restore();
  }

  /** A second finger means that the first was not painting, unless it had come far already. */
  #giveUp() {
    const stroke = this.#stroke;
    this.#stroke = null;
    this.#pan = null;
    if (stroke?.points.length > MEANT) this.onStroke(stroke);
    else if (stroke) this.repaint();
  }

  #pinch(moved, at) {
    const before = [...this.#down.values()];
    const after = [...this.#down].map(([id, place]) => (id === moved ? at : place));
    this.setView((now) => pinched(now, before, after, this.image, this.box()));
  }
}
