// What managers say in English while a model comes up or waits, as the words of the page: a list of what is
// known. Anything else is shown as it was said. Values only.

const WORDS = [
  [/^waits until (.+) made room$/, "until", ["names"]],
  [/^waits until freed memory is back$/, "until_freed", []],
  [/^(.+) makes room$/, "makes_room", ["names"]],
  [/^waits for its turn after (.+)$/, "after", ["names"]],
  [/^there is no room, and none to be made$/, "no_room", []],
  [/^weights (\d+) %$/, "weights", ["share"]],
  [/^downloading ([\d.]+) of ([\d.]+) ([GM]B), (\d+) %$/, "download", ["done", "total", "unit", "share"]],
  [/^downloading (\S+\.\w+) (\d+) %$/, "download_file", ["file", "share"]],
  [/^downloading (\d+) %$/, "downloading", ["share"]],
  [/^capturing graphs (\d+) %$/, "graphs", ["share"]],
  [/^graphs captured$/, "graphs_done", []],
  [/^KV cache ([\d,]+) tokens$/, "kv_cache", ["tokens"]],
  [/^context ([\d,]+) tokens$/, "context", ["tokens"]],
  [/^compiling$/, "compiling", []],
  [/^compiled$/, "compiled", []],
  [/^loading weights$/, "loading_weights", []],
  [/^weights loaded$/, "weights_loaded", []],
  [/^engine is up$/, "engine_up", []],
  [/^opening its port$/, "opening", []],
  [/^([\w.-]+) (\d+) %$/, "component", ["name", "share"]],
];

/**
 * @param {string} text as a manager says it
 * @returns {{key: string, values: object}|null} null: it is not known
 */
export function known(text) {
  for (const [form, key, names] of WORDS) {
    const found = form.exec(text);
    if (found) return { key, values: Object.fromEntries(names.map((name, at) => [name, found[at + 1]])) };
  }
  return null;
}

/** Every key that `known` may give. */
export const KEYS = WORDS.map(([, key]) => key);
