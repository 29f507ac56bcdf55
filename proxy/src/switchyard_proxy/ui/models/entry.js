// An entry of models.json while it is being written: from what was typed to what is sent, and where its
// faults belong. Values only.

import { stepsOf } from "./json-places.js";
import { engineFields, fieldsOf, nameProblem, readField, typedOf } from "./schema.js";

/** Fields that can run programs on the machine: a manager may refuse to have them changed from here. */
export const GUARDED = new Set(["image", "container", "port", "mounts", "path", "env", "extra_args"]);

const GUARDED_ARGS = ["trust_remote_code", "chat_template", "tokenizer"];

/**
 * Whether an entry that is taken out of a file could be put back from here.
 * @param {{text: string, guarded: boolean}} file as a manager gives it
 */
export function canComeBack({ text, guarded }, name) {
  const entry = entryIn(text, name);
  if (!entry || !guarded) return Boolean(entry);
  const { path = "state:", engine_args: args = {} } = entry;
  const isOurs = String(path).startsWith("state:");
  const isFree = [...GUARDED].every((field) => field === "path" || !(field in entry));
  return isOurs && isFree && !GUARDED_ARGS.some((arg) => arg in args);
}

/** What the form begins with for an entry that is there, or for a new one. */
export function draftOf(schema, name = "", entry = { type: "text" }) {
  const { engine_args: args = {}, ...own } = entry;
  return {
    name,
    entry: typed(fieldsOf(schema), own),
    args: typed(engineFields(schema, entry), args),
  };
}

function typed(fields, values) {
  return Object.fromEntries(fields.map((field) => [field.name, typedOf(field, values[field.name])]));
}

/**
 * @returns {{entry: object, problems: Array<{path: string, key: string, values: object}>}}
 * `path` is within the entry, as the manager says it: `vram_mib`, `engine_args.dtype`; `""` is the name's
 */
export function readDraft(schema, draft) {
  const problems = [];
  const name = nameProblem(schema, draft.name.trim());
  if (name) problems.push({ path: "", ...name });
  const own = fieldsOf(schema).filter((field) => field.name !== "engine_args");
  const entry = read(own, draft.entry, "", problems);
  const args = read(engineFields(schema, entry), draft.args, "engine_args.", problems);
  if (Object.keys(args).length) entry.engine_args = args;
  return { entry, problems };
}

function read(fields, values, within, problems) {
  const found = {};
  for (const field of fields) {
    const { value, problem } = readField(field, values[field.name]);
    if (problem) problems.push({ path: within + field.name, ...problem });
    else if (value !== undefined) found[field.name] = value;
  }
  return found;
}

/** An entry beside what was there before: keys that no field shows, comments above all, are kept. */
export function merged(schema, before, entry) {
  const shown = new Set(fieldsOf(schema).map((field) => field.name));
  const kept = Object.entries(before ?? {}).filter(([key]) => !shown.has(key));
  return { ...Object.fromEntries(kept), ...entry };
}

/** The whole file with an entry in it, for having it checked. What else it says is not looked at. */
export function fileWith(text, name, entry) {
  const file = JSON.parse(text);
  if (file.models && typeof file.models === "object") file.models = { ...file.models, [name]: entry };
  else file[name] = entry;
  return JSON.stringify(file, null, 2);
}

/** The entry of a name in a file, or undefined. */
export function entryIn(text, name) {
  const file = JSON.parse(text);
  const found = file.models?.[name] ?? file[name];
  return found && typeof found === "object" ? found : undefined;
}

/**
 * To which field of the form a fault of the file belongs; null: to none of this entry's.
 * @param {string} path as the manager says it, such as models.qwen3.engine_args.dtype
 */
export function fieldOfFault(path, name) {
  const steps = stepsOf(path ?? "");
  if (!steps) return null;
  const own = steps[0] === "models" ? steps.slice(1) : steps;
  if (own[0] !== name) return null;
  const [, field = "", inner] = own;
  return field === "engine_args" && inner !== undefined ? `engine_args.${inner}` : String(field);
}
