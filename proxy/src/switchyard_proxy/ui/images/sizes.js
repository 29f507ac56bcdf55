// Sizes of pictures: presets for a model, free ones, and what the engine will make of them. Pure.

/** @typedef {{width: number, height: number}} Size */

export const LEAST_SIDE = 64;
export const MOST_SIDE = 4096;
export const MOST_PIXELS = 2048 * 2048;

const SHAPES = [[1, 1], [4, 3], [3, 4], [3, 2], [2, 3], [16, 9], [9, 16]];

/**
 * Each shape at the model's usual area, in steps that it can draw; shapes that would be too thin are left
 *   out.
 * @param {Size} native
 * @param {number} multiple
 * @returns {{name: string, width: number, height: number}[]}
 */
export function presetsFor(native, multiple) {
  const area = native.width * native.height;
  const all = SHAPES.map(([across, down]) => (
    { name: `${across}:${down}`, ...inShape(area, across / down, multiple) }));
  return all.filter((one) => fault(one) === null);
}

function inShape(area, ratio, multiple) {
  const near = (side) => Math.max(multiple, Math.round(side / multiple) * multiple);
  return { width: near(Math.sqrt(area * ratio)), height: near(Math.sqrt(area / ratio)) };
}

/** What is drawn of it: engines round down. @param {Size} size @param {number} multiple @returns {Size} */
export function rounded(size, multiple) {
  return { width: size.width - (size.width % multiple), height: size.height - (size.height % multiple) };
}

/** The name of what is wrong with a size, or null. @param {Size} size */
export function fault(size) {
  if (!Number.isInteger(size.width) || !Number.isInteger(size.height)) return "size-unreadable";
  if (Math.min(size.width, size.height) < LEAST_SIDE) return "size-small";
  if (Math.max(size.width, size.height) > MOST_SIDE) return "size-large";
  return size.width * size.height > MOST_PIXELS ? "size-large" : null;
}

/** @param {Size} size */
export function written(size) {
  return `${size.width}x${size.height}`;
}

/** @param {string | null | undefined} text @returns {Size | null} */
export function parsed(text) {
  const found = /^\s*(\d{1,5})\s*[x×*]\s*(\d{1,5})\s*$/i.exec(text ?? "");
  return found && { width: Number(found[1]), height: Number(found[2]) };
}

/**
 * The picture's shape at about `area` pixels: what `auto` becomes for an edit.
 * @param {number} area @param {Size} shape @returns {Size}
 */
export function fitted(area, shape) {
  const ratio = shape.width / shape.height;
  const width = Math.sqrt(area * ratio);
  const near = (side) => Math.max(32, Math.round(side / 32) * 32);
  return { width: near(width), height: near(width / ratio) };
}

/**
 * The largest size of a shape that fits in a box, without growing beyond `most` times its own.
 * @param {Size} shape @param {Size} box @param {number} most @returns {Size}
 */
export function within(shape, box, most = Infinity) {
  const scale = Math.min(box.width / shape.width, box.height / shape.height, most);
  const scaled = (side) => Math.max(1, Math.round(side * scale));
  return { width: scaled(shape.width), height: scaled(shape.height) };
}
