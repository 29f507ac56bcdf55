// Pictures and videos turned into pixels: thumbnails, sizes, smaller or redrawn copies. The only module that
// draws. Whatever cannot be shown raises `Undrawable`; nothing here tells the user.

import { within } from "./sizes.js";

const THUMB = 256; // twice what a chip shows, for fine screens
const MOST_PIXELS = 64_000_000; // what servers take, and about what a canvas can hold
const LOOK_MS = 8000; // a broken video may never say so
const SVG_SIDE = 1024;
const KEPT_AS = { "image/png": "image/png", "image/gif": "image/png", "image/webp": "image/webp" };

export class Undrawable extends Error {}

/**
 * @typedef {{width: number, height: number, seconds?: number, thumb: Blob | null}} Looks
 */

/**
 * @param {Blob} blob
 * @returns {Promise<Looks>}
 */
export async function looksOfImage(blob) {
  const bitmap = await bitmapOf(blob);
  try {
    const { width, height } = bitmap;
    return {
      width,
      height,
      thumb: await painted(bitmap, within(width, height, { side: THUMB }), "image/webp"),
    };
  } finally {
    bitmap.close();
  }
}

/**
 * Its first frame, its size and its length. `thumb` is null where the browser cannot play it.
 * @param {Blob} blob
 * @returns {Promise<Looks>}
 */
export async function looksOfVideo(blob) {
  const url = URL.createObjectURL(blob);
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.preload = "auto";
  try {
    video.src = url;
    await once(video, "loadeddata");
    const { videoWidth: width, videoHeight: height, duration } = video;
    if (!width) throw new Undrawable("no frames");
    const thumb = await painted(video, within(width, height, { side: THUMB }), "image/webp");
    return { width, height, seconds: Number.isFinite(duration) ? duration : undefined, thumb };
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  }
}

/**
 * A copy at most so large, as the same kind of picture. Transparency is kept where there was any to keep.
 * @param {Blob} blob
 * @param {{width: number, height: number}} size
 * @returns {Promise<Blob>}
 */
export async function redrawn(blob, size) {
  const bitmap = await bitmapOf(blob);
  try {
    return await painted(bitmap, size, KEPT_AS[blob.type] ?? "image/jpeg", 0.92);
  } finally {
    bitmap.close();
  }
}

/**
 * A copy of a kind that models' servers read, at its own size.
 * @param {Blob} blob
 */
export async function readable(blob) {
  const bitmap = await bitmapOf(blob);
  try {
    const type = blob.type === "image/heic" ? "image/jpeg" : "image/png";
    return await painted(bitmap, { width: bitmap.width, height: bitmap.height }, type, 0.92);
  } finally {
    bitmap.close();
  }
}

async function bitmapOf(blob) {
  if (blob.type === "image/svg+xml") return drawnSvg(blob);
  try {
    return await createImageBitmap(blob);
  } catch (error) {
    throw new Undrawable("not a picture that this browser can show", { cause: error });
  }
}

// A drawing may name no size of its own; then browsers make up a small one.
async function drawnSvg(blob) {
  const url = URL.createObjectURL(blob);
  const image = new Image();
  try {
    image.src = url;
    await image.decode();
    const shape = { width: image.naturalWidth || SVG_SIDE, height: image.naturalHeight || SVG_SIDE };
    const grow = Math.max(1, SVG_SIDE / Math.max(shape.width, shape.height));
    const canvas = canvasOf({
      width: Math.round(shape.width * grow),
      height: Math.round(shape.height * grow),
    });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await createImageBitmap(canvas);
  } catch (error) {
    throw new Undrawable("not a drawing", { cause: error });
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function painted(source, { width, height }, type, quality) {
  if (width * height > MOST_PIXELS) throw new Undrawable("too many pixels");
  const canvas = canvasOf({ width, height });
  const context = canvas.getContext("2d");
  if (!context) throw new Undrawable("no memory for a picture of this size");
  if (type === "image/jpeg") {
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  const blob = await new Promise((done) => canvas.toBlob(done, type, quality));
  canvas.width = 0; // Safari frees a canvas's memory late otherwise
  if (!blob) throw new Undrawable("no memory for a picture of this size");
  return blob;
}

const canvasOf = ({ width, height }) => Object.assign(document.createElement("canvas"), { width, height });

function once(video, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Undrawable("it never began")), LOOK_MS);
    video.addEventListener(event, () => resolve(clearTimeout(timer)), { once: true });
    video.addEventListener(
      "error",
      () => {
        clearTimeout(timer);
        reject(new Undrawable(video.error?.message || "this browser cannot play it"));
      },
      { once: true },
    );
  });
}
