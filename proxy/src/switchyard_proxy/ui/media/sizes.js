// Widths and heights: how to make a picture smaller without bending it. Pure.

/** Models look at squares of this many pixels a side, so other sizes gain nothing. */
export const SQUARE = 32;

/**
 * The largest size of the same shape within so many pixels a side and in all; never larger than it is.
 * @param {number} width
 * @param {number} height
 * @param {{side?: number, pixels?: number}} limits
 * @returns {{width: number, height: number}}
 */
export function within(width, height, { side = Infinity, pixels = Infinity }) {
  const scale = Math.min(1, side / Math.max(width, height), Math.sqrt(pixels / (width * height)));
  if (scale === 1) return { width, height };
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}

/** Processors make pictures below this many tokens larger again, so a smaller size gains nothing. */
const FEWEST_TOKENS = 64;

/**
 * The size at which a picture takes at most so many tokens, knowing what it takes now. Down to whole squares,
 * so that rounding never makes it one row too many. Null where even the smallest is too much.
 * @param {{width: number, height: number, tokens: number}} now
 * @param {number} most tokens
 */
export function shrunkTo({ width, height, tokens }, most) {
  if (most < FEWEST_TOKENS || most >= tokens) return null;
  // A model that looks at fewer squares than there are makes the picture smaller by itself first.
  const scale = Math.sqrt(most / Math.max(tokens, (width * height) / SQUARE ** 2));
  const whole = (side) => Math.max(SQUARE, Math.floor((side * scale) / SQUARE) * SQUARE);
  const size = { width: Math.min(width, whole(width)), height: Math.min(height, whole(height)) };
  const squares = Math.ceil(size.width / SQUARE) * Math.ceil(size.height / SQUARE);
  return squares > most || (size.width === width && size.height === height) ? null : size;
}
