// The list of requests as it is read: pages at its end, news at its head. Pure: each step gives a new list.

const MOST = 2_000; // rows held; older ones can be had again by their page

/**
 * `held` are news that wait to be shown, newest first; `before` is what to ask for to see older ones, `newest`
 * what news are to come after.
 */
export const EMPTY = Object.freeze({ rows: [], held: [], before: null, newest: null, missed: 0 });

/** A first page: everything anew. */
export const begun = ({ requests, before, newest }) => ({ ...EMPTY, rows: requests, before, newest });

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
  const newest = row.id;
  if (hold) return { ...list, newest, held: [row, ...list.held].slice(0, MOST) };
  return cut({ ...list, newest, rows: [row, ...list.held, ...list.rows], held: [] });
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
