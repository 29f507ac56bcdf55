// The one table of commands, which the command line and the palette share. It runs nothing by itself.

import { signal } from "../html.js";

/**
 * A command: `{name: "load", title: "shell.command.load", args: ["model"], run(args), hint?: "g m"}`.
 * An argument is a kind: `model` takes a word, `text` the rest of the line, `text?` may be left out. `hint`
 * is the key that does the same. `run` may return a promise; what it rejects with is shown.
 */
export const commands = signal([]);

/** @returns {() => void} takes it away again. A later one of the same name hides the earlier. */
export function register(command) {
  commands.value = [...commands.peek(), command];
  return () => { commands.value = commands.peek().filter((one) => one !== command); };
}

/** What counts now: of one name the newest. In the order of the alphabet. */
export function table() {
  const newest = new Map(commands.value.map((command) => [command.name, command]));
  return [...newest.values()].sort((left, right) => left.name.localeCompare(right.name));
}

/** Names for each kind of argument, asked when a line is completed. */
export const sources = {};

/**
 * @param {string} kind
 * @param {() => (string | {name: string, note?: string})[]} names a note stands beside its name
 */
export function provide(kind, names) {
  sources[kind] = () => names().map((name) => (typeof name === "string" ? { name } : name));
}
