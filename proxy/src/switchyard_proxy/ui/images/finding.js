// Finding pictures by words, and which part of a long list is on the screen. Pure.

/**
 * Whether every word is somewhere in what was asked for.
 * @param {{params: any, seed?: number|null}} picture
 * @param {string} query
 */
export function matches(picture, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const { prompt = "", negative = "", model = "", size = "" } = picture.params ?? {};
  const text = [prompt, negative, model, size, picture.seed ?? ""].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

/**
 * Which items of a grid must be there, and the room that the others take.
 * @param {{top: number, height: number, width: number, cell: number, gap: number, count: number, spare?:
 *   number}} grid
 *   `top` is how far the grid's beginning is above the screen's
 * @returns {{columns: number, first: number, last: number, before: number, after: number}} `last` is not in
 *   it
 */
export function windowOf({ top, height, width, cell, gap, count, spare = 1 }) {
  const columns = Math.max(1, Math.floor((width + gap) / (cell + gap)));
  const side = (width - gap * (columns - 1)) / columns + gap;
  const rows = Math.ceil(count / columns);
  const firstRow = clamp(Math.floor(top / side) - spare, 0, Math.max(0, rows - 1));
  const lastRow = clamp(Math.ceil((top + height) / side) + spare, Math.min(rows, firstRow + 1), rows);
  return {
    columns, first: firstRow * columns, last: Math.min(count, lastRow * columns),
    before: firstRow * side, after: (rows - lastRow) * side,
  };
}

function clamp(value, least, most) {
  return Math.min(most, Math.max(least, value));
}

/**
 * Where an arrow key leads in a grid.
 * @param {string} key
 * @param {number} at
 * @param {number} columns
 * @param {number} count
 */
export function neighbour(key, at, columns, count) {
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const to = by === undefined ? at : at + by;
  return to < 0 || to >= count ? at : to;
}
