// The list of requests as it is read: pages at its end, news at its head. Pure: each step gives a new list.

const MOST = 2_000; // rows held; older ones can be had again by their page

/** `held` are news that wait to be shown, newest first; `before` is what to ask for to see older ones. */
export const EMPTY = Object.freeze({ rows: [], held: [], before: null, missed: 0 });

/** A first page: everything anew. */
export const begun = (page) => ({ ...EMPTY, rows: page.requests, before: page.before });

/** A further page, below what is there. */
export function continued(list, page) {
  const known = new Set(list.rows.map((row) => row.id));
  const rows = [...list.rows, ...page.requests.filter((row) => !known.has(row.id))];
  return { ...list, rows, before: page.before };
}

/**
 * A request that ended just now. Where somebody reads further down (`hold`) it waits, and moves nothing.
 * @param {typeof EMPTY} list
 * @param {{id: number}} row
 * @param {boolean} hold
 */
export function arrived(list, row, hold) {
  if ([...list.held, ...list.rows.slice(0, 200)].some((other) => other.id === row.id)) return list;
  if (hold) return { ...list, held: [row, ...list.held].slice(0, MOST) };
  return cut({ ...list, rows: [row, ...list.held, ...list.rows], held: [] });
}

/** Everything that waited is shown. */
export const shown = (list) => cut({ ...list, rows: [...list.held, ...list.rows], held: [] });

/** The proxy left some out, because we were too far behind. */
export const missing = (list, n) => ({ ...list, missed: list.missed + n });

function cut(list) {
  if (list.rows.length <= MOST) return list;
  const rows = list.rows.slice(0, MOST);
  return { ...list, rows, before: rows[MOST - 1].id };
}

/** The newest row's number, from where on news are wanted; null where there is none. */
export const newest = (list) => (list.held[0] ?? list.rows[0])?.id ?? null;
