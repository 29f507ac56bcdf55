// Where the reader is in the view of models: all of it is in the address, so that a reload or a link shows
// the same.

import { computed, signal } from "../html.js";
import { format, go, route } from "../routes.js";
import { models, sites } from "../store/live.js";
import { namesOf } from "../store/machine-names.js";
import { keyOf } from "../store/news.js";
import { find } from "../store/names.js";
import { groups } from "./listing.js";

export const TABS = ["now", "log", "past"];

/** {name, site, tab, page, filter, sort}: `page` is what stands in place of the list: add, edit or file. */
export const place = computed(() => {
  const { path, query } = route.value;
  return {
    name: path[0] ?? null,
    site: /^\d+$/.test(query.site ?? "") ? Number(query.site) : null,
    tab: TABS.includes(query.tab) ? query.tab : "now",
    page: query.page ?? null,
    filter: query.filter ?? "",
    sort: query.sort ?? "name",
  };
});

/** The address of where the reader is, with changes. */
export function addressOf(change = {}) {
  const { name, site, tab, page, filter, sort } = { ...place.peek(), ...change };
  const isFirst = site === null || site === 0;
  return format({
    view: "models",
    path: name ? [name] : [],
    query: {
      site: isFirst ? "" : site,
      tab: name && tab !== "now" ? tab : "",
      page,
      filter,
      sort: sort === "name" ? "" : sort,
    },
  });
}

/** @param {{replace?: boolean}} [how] */
export function show(change, how) {
  go(addressOf(change), how);
}

/** The model that the address names, by any of its names; null: none, or it is not there. */
export const shown = computed(() => {
  const { name, site } = place.value;
  if (!name) return null;
  const here = models.value.filter((model) => site === null || model.site === site);
  return find(here, name)?.model ?? null;
});

/** The machines by their names. */
export const named = computed(() => {
  const names = namesOf(sites.value);
  return sites.value.map((one) => ({ ...one, name: names.get(one.site) }));
});

/** The models as they are listed: for each machine its own. */
export const listed = computed(() => {
  const { filter, sort } = place.value;
  return groups(models.value, { filter, sort, sites: named.value });
});

/** The key of the row that keys act on. */
export const cursor = signal(null);

/** The model that keys act on: the one under the cursor, else the one that is open. */
export function chosen() {
  return models.peek().find((model) => keyOf(model) === cursor.peek()) ?? shown.peek();
}
