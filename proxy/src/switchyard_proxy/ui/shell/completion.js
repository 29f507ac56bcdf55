// What a typed line means, and how it may go on. Values only: the table and the names come from outside.

import { ranked } from "./fuzzy.js";

const LIMIT = 50;

/** `/load qwen` or `:load qwen` → its words, and whether the last one is finished. */
function partsOf(line) {
  const bare = line.replace(/^\s*[:/]?\s*/, "");
  const words = bare.split(/\s+/).filter(Boolean);
  return { bare, words, isOpen: bare !== "" && !/\s$/.test(bare) };
}

const commandOf = (table, word) => table.find((one) => one.name === word);
const kindAt = (command, at) => command?.args?.[at]?.replace(/\?$/, "");
const isNeeded = (arg) => !arg.endsWith("?");
/** Kinds that take the rest of the line as it stands. */
const isRest = (arg) => /^(text|control)\b/.test(arg);

/**
 * How the line may go on, best first. Each has the whole line it would make.
 * @param {string} line
 * @param {{name: string, args?: string[]}[]} table
 * @param {Record<string, () => {name: string, note?: string}[]>} sources names for each kind of argument
 * @returns {{line: string, text: string, note?: string, at: number[], command?: object}[]}
 */
export function complete(line, table, sources) {
  const { words, isOpen } = partsOf(line);
  if (words.length === 0 || (words.length === 1 && isOpen)) return commandsFor(words[0] ?? "", table);
  const command = commandOf(table, words[0]);
  const rest = command?.args?.findIndex(isRest) ?? -1;
  const fixed = isOpen ? words.length - 1 : words.length;
  const before = words.slice(0, rest < 0 ? fixed : Math.min(fixed, rest + 1));
  const names = sources[kindAt(command, before.length - 1)]?.() ?? [];
  return ranked(words.slice(before.length).join(" "), names, ({ name }) => name).slice(0, LIMIT)
    .map(({ item: { name, note }, at }) => ({ line: [...before, name].join(" "), text: name, note, at }));
}

function commandsFor(word, table) {
  return ranked(word, table, (one) => one.name).map(({ item, at }) => ({
    line: item.args?.length ? `${item.name} ` : item.name, text: item.name, at, command: item,
  }));
}

/** What would be added to the line, shown behind the caret; "" where nothing begins as the line does. */
export function ghostOf(line, choices) {
  const { bare, isOpen } = partsOf(line);
  if (!isOpen) return "";
  const next = choices.find((choice) => choice.line.toLowerCase().startsWith(bare.toLowerCase()));
  return next ? next.line.slice(bare.length).trimEnd() : "";
}

/**
 * What the line asks for.
 * @returns {{command: object, args: string[]}
 *   | {fault: "empty" | "unknown" | "missing", name: string, kind?: string}}
 */
export function interpret(line, table) {
  const { bare, words } = partsOf(line);
  if (words.length === 0) return { fault: "empty", name: "" };
  const command = commandOf(table, words[0]) ?? onlyOne(words[0], table);
  if (!command) return { fault: "unknown", name: words[0] };
  const args = argsOf(bare.slice(words[0].length).trimStart(), command.args ?? []);
  const missing = (command.args ?? []).findIndex((arg, at) => isNeeded(arg) && !args[at]);
  if (missing >= 0) return { fault: "missing", name: command.name, kind: kindAt(command, missing) };
  return { command, args };
}

/** `mod` is `model` while nothing else begins so. */
function onlyOne(word, table) {
  const begun = table.filter((one) => one.name.startsWith(word));
  return begun.length === 1 ? begun[0] : undefined;
}

/** One word for each argument; a text takes the rest of the line as it stands. */
function argsOf(rest, kinds) {
  const args = [];
  for (const kind of kinds) {
    if (isRest(kind)) return [...args, rest];
    const [, word, after] = /^(\S*)\s*(.*)$/s.exec(rest);
    args.push(word);
    rest = after;
  }
  return args;
}
