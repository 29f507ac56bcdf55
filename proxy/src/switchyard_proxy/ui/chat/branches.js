// Where a message stands among those that answer the same one. Pure.

/**
 * @param {string[]} ids of the siblings, oldest first
 * @param {string} id
 * @returns {{at: number, of: number, before: string|null, after: string|null}} `at` counts from 1
 */
export function place(ids, id) {
  const at = ids.indexOf(id);
  return { at: at + 1, of: ids.length, before: ids[at - 1] ?? null, after: ids[at + 1] ?? null };
}

/**
 * The branch that ends with `leaf`, from records of the whole conversation, oldest first.
 * @param {object[]} records
 * @param {string|null} leaf
 */
export function branchIn(records, leaf) {
  const known = new Map(records.map((one) => [one.id, one]));
  const found = [];
  for (let one = known.get(leaf); one; one = known.get(one.parent)) {
    known.delete(one.id); // a file that was made by hand may go in a circle
    found.push(one);
  }
  return found.reverse();
}

/** The end of the newest branch of these records. */
export function newestLeaf(records) {
  const parents = new Set(records.map((one) => one.parent));
  return records.filter((one) => !parents.has(one.id)).at(-1)?.id ?? null;
}
