// Where things are: the picture's pixels, the screen's, and what lies between them. Pure.

/**
 * @typedef {{x: number, y: number}} Point
 * @typedef {{width: number, height: number}} Size
 * @typedef {{scale: number, x: number, y: number}} View `x`, `y`: where the picture's corner is in the frame
 */

export const MOST_ZOOM = 64;
export const LEAST_BRUSH = 1;
export const MOST_BRUSH = 2048;

/** The whole picture in the middle of the frame. @param {Size} image @param {Size} frame @returns {View} */
export function fit(image, frame) {
  const scale = Math.min(frame.width / image.width, frame.height / image.height, 8) || 1;
  return { scale, x: (frame.width - image.width * scale) / 2, y: (frame.height - image.height * scale) / 2 };
}

/** @param {View} view @param {Point} at in the frame @returns {Point} in the picture */
export function toImage(view, at) {
  return { x: (at.x - view.x) / view.scale, y: (at.y - view.y) / view.scale };
}

/** @param {View} view @param {Point} at in the picture @returns {Point} in the frame */
export function toFrame(view, at) {
  return { x: at.x * view.scale + view.x, y: at.y * view.scale + view.y };
}

/**
 * Larger or smaller, with what is under `at` staying there.
 * @param {View} view @param {Point} at @param {number} factor @param {Size} image @param {Size} frame
 *   @returns {View}
 */
export function zoomed(view, at, factor, image, frame) {
  const least = Math.min(fit(image, frame).scale, 1) / 2;
  const scale = clamp(view.scale * factor, least, MOST_ZOOM);
  const under = toImage(view, at);
  return held({ scale, x: at.x - under.x * scale, y: at.y - under.y * scale }, image, frame);
}

/** @param {View} view @param {Point} by @param {Size} image @param {Size} frame @returns {View} */
export function panned(view, by, image, frame) {
  return held({ ...view, x: view.x + by.x, y: view.y + by.y }, image, frame);
}

/** Some of the picture stays in the frame: nobody loses it. */
function held(view, image, frame) {
  const rest = 48;
  return {
    scale: view.scale,
    x: clamp(view.x, rest - image.width * view.scale, frame.width - rest),
    y: clamp(view.y, rest - image.height * view.scale, frame.height - rest),
  };
}

/**
 * Two fingers: what was under them stays under them.
 * @param {View} view @param {[Point, Point]} from @param {[Point, Point]} to @param {Size} image @param
 *   {Size} frame
 */
export function pinched(view, from, to, image, frame) {
  const factor = distance(...to) / (distance(...from) || 1);
  const middle = centre(...from);
  const moved = centre(...to);
  const grown = zoomed(view, middle, factor, image, frame);
  return panned(grown, { x: moved.x - middle.x, y: moved.y - middle.y }, image, frame);
}

function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function centre(a, b) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

/**
 * The next size of a brush: single pixels at first, then about an eighth.
 * @param {number} size
 * @param {1|-1} way
 */
export function brushStep(size, way) {
  const step = Math.max(1, Math.floor((way > 0 ? size : size - 1) / 8));
  return clamp(size + way * step, LEAST_BRUSH, MOST_BRUSH);
}

/**
 * Where a brush of that many pixels covers whole ones: odd ones around the middle of a pixel, even ones
 *   around a
 * corner. Without it a brush of one pixel on a corner would half cover four, and mark none.
 * @param {Point} at @param {number} size @returns {Point}
 */
export function snapped(at, size) {
  const near = size % 2 ? (value) => Math.floor(value) + 0.5 : Math.round;
  return { x: near(at.x), y: near(at.y) };
}

function clamp(value, least, most) {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
