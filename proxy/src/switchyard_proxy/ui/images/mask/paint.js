// Puts a mask's deeds onto a canvas of the picture's size, and makes the file that is sent. It keeps nothing.

import { standing } from "./strokes.js";

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import("./strokes.js").Mask} mask
 * @param {string} colour of what is marked
 */
export function paintAll(context, mask, colour) {
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  for (const deed of standing(mask)) paintDeed(context, deed, colour);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import("./strokes.js").Deed} deed
 * @param {string} colour
 */
export function paintDeed(context, deed, colour) {
  context.save();
  context.fillStyle = context.strokeStyle = colour;
  const { width, height } = context.canvas;
  if (deed.kind === "invert") {
    context.globalCompositeOperation = "xor";
    context.fillRect(0, 0, width, height);
  } else if (deed.kind === "fill") {
    context.fillRect(0, 0, width, height);
  } else if (deed.kind !== "clear") {
    if (deed.kind === "erase") context.globalCompositeOperation = "destination-out";
    paintLine(context, deed.points, deed.size);
  }
  context.restore();
}

/**
 * From the point number `from` on, so that a long stroke is not painted anew with each move.
 * @param {CanvasRenderingContext2D} context @param {number[]} points @param {number} size @param {number}
 *   from
 */
export function paintLine(context, points, size, from = 0) {
  context.lineWidth = size;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  if (points.length === from + 2) return paintDot(context, points[from], points[from + 1], size);
  context.moveTo(points[from], points[from + 1]);
  for (let i = from + 2; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
  context.stroke();
}

/** A line without length is none to a canvas. */
function paintDot(context, x, y, size) {
  context.arc(x, y, size / 2, 0, 2 * Math.PI);
  context.fill();
}

/** How many of the picture's pixels are marked. @param {Uint8ClampedArray} rgba */
export function marked(rgba) {
  let count = 0;
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] >= 128) count += 1;
  return count;
}

/**
 * Transparent where it is to change, white elsewhere, nothing between.
 * @param {Uint8ClampedArray} rgba changed in place
 */
export function asMask(rgba) {
  for (let i = 0; i < rgba.length; i += 4) {
    const keeps = rgba[i + 3] < 128 ? 255 : 0;
    rgba[i] = rgba[i + 1] = rgba[i + 2] = rgba[i + 3] = keeps;
  }
}

/**
 * The mask as the API wants it, in the picture's size; null where nothing is marked.
 * @param {import("./strokes.js").Mask} mask
 * @param {{width: number, height: number}} size
 * @returns {Promise<Blob | null>}
 */
export async function exported(mask, size) {
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  paintAll(context, mask, "#fff");
  const pixels = context.getImageData(0, 0, size.width, size.height);
  if (marked(pixels.data) === 0) return null;
  asMask(pixels.data);
  context.putImageData(pixels, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
