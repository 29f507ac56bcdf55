// Which requests somebody wants to see: from the address of the page, and as the proxy is asked. Pure.

export const OUTCOMES = ["ok", "refused", "engine_error", "failed", "client_left", "cancelled"];
export const PERIODS = { hour: 3_600, day: 86_400, week: 604_800, all: null };
export const SLOWER = [1, 10, 60, 300];
export const GROUPS = ["model", "key", "route", "hour"];

const TEXTS = ["model", "key", "route", "code", "q"];
const STATUS = /^[1-5](xx|\d\d)$/;

export const NONE = Object.freeze({
  model: "", key: "", route: "", code: "", q: "", outcome: "", status: "", slower: "", period: "all",
});

/**
 * What the address asks for; what makes no sense there is left out.
 * @param {Record<string, string>} query
 */
export function read(query) {
  const texts = Object.fromEntries(TEXTS.map((name) => [name, query[name] ?? ""]));
  return Object.freeze({
    ...NONE,
    ...texts,
    outcome: OUTCOMES.includes(query.outcome) ? query.outcome : "",
    status: STATUS.test(query.status ?? "") ? query.status : "",
    slower: Number(query.slower) > 0 ? String(Number(query.slower)) : "",
    period: Object.hasOwn(PERIODS, query.period) ? query.period : NONE.period,
  });
}

/** The same as a query of the address: only what differs from no filter at all. */
export const queryOf = (filters) =>
  Object.fromEntries(Object.entries(filters).filter(([name, value]) => value !== NONE[name]));

/**
 * As `/api/requests` and what is below it take them.
 * @param {typeof NONE} filters
 * @param {number} now seconds since 1970
 * @returns {URLSearchParams}
 */
export function searchOf(filters, now) {
  const asked = new URLSearchParams();
  for (const name of [...TEXTS, "outcome", "status"]) if (filters[name]) asked.set(name, filters[name]);
  if (filters.slower) asked.set("min_duration_s", filters.slower);
  const span = PERIODS[filters.period];
  if (span !== null) asked.set("since", String(Math.floor(now - span)));
  return asked;
}

/** How many filters are set. */
export const count = (filters) => Object.keys(queryOf(filters)).length;
