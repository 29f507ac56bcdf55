// What the schema of models.json says of the fields of an entry: their kinds, limits and texts; and what is
// wrong with something that was typed into one. Values only: no form, no network.

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {"choice"|"choices"|"flag"|"integer"|"number"|"text"|"texts"|"json"} kind
 * @property {string} description as the schema has it, in English
 * @property {unknown} [byDefault]
 * @property {string[]} options of a choice
 * @property {object} limits minimum, exclusiveMinimum, maximum, pattern, patternErrorMessage
 */

const ENGINES = { text: "vllm", vision: "image-server", image: "image-server" };
const ARGS = { vllm: "VllmArgs", "image-server": "ImageServerArgs" };

/** @returns {Field[]} the fields of a definition, in the schema's order */
export function fieldsOf(schema, definition = "Model") {
  const { properties = {} } = schema.$defs[definition] ?? {};
  return Object.entries(properties).map(([name, said]) => fieldOf(schema, name, said));
}

/** The fields of `engine_args` for what was chosen; none for a foreign container. */
export function engineFields(schema, { type, engine, container }) {
  const definition = ARGS[engine || (container ? "container" : ENGINES[type])];
  return definition ? fieldsOf(schema, definition) : [];
}

function fieldOf(schema, name, said) {
  const whole = { ...resolved(schema, said), ...said };
  const shapes = shapesOf(schema, whole);
  const shape = shapes.length === 1 ? shapes[0] : {};
  const items = shape.items ? resolved(schema, shape.items) : {};
  return {
    name,
    kind: shapes.length === 1 ? kindOf(shape, items) : "json",
    description: whole.description ?? "",
    byDefault: whole.default,
    options: shape.enum ?? items.enum ?? [],
    limits: shape.type === "array" ? items : shape,
  };
}

function shapesOf(schema, said) {
  const shapes = (said.anyOf ?? [said]).map((one) => resolved(schema, one));
  return shapes.filter((one) => one.type !== "null");
}

function resolved(schema, said) {
  const name = said.$ref?.split("/").at(-1);
  return name ? schema.$defs[name] : said;
}

function kindOf(shape, items) {
  if (shape.enum) return "choice";
  if (shape.type === "array") return items.enum ? "choices" : items.type === "string" ? "texts" : "json";
  return { boolean: "flag", integer: "integer", number: "number", string: "text" }[shape.type] ?? "json";
}

/**
 * What was typed, as it is to stand in the file; or what is wrong with it. Nothing typed: it is left out.
 * @param {Field} field
 * @param {string|boolean|string[]} typed
 * @returns {{value?: unknown, problem?: {key: string, values: object}}}
 */
export function readField(field, typed) {
  if (typed === "" || typed === undefined || typed === null || typed.length === 0) return {};
  return READERS[field.kind](field, typed);
}

const READERS = {
  choice: ({ options }, typed) => (options.includes(typed) ? { value: typed } : wrong("choice", {})),
  choices: (_, typed) => ({ value: typed }),
  flag: (_, typed) => ({ value: typed === true || typed === "true" }),
  integer: ({ limits }, typed) => readNumber(limits, typed, /^\s*-?\d+\s*$/, "integer"),
  number: ({ limits }, typed) => readNumber(limits, typed, /^\s*-?\d+(?:[.,]\d+)?\s*$/, "number"),
  text: ({ limits }, typed) => readText(limits, typed.trim()),
  texts: ({ limits }, typed) => readTexts(limits, typed),
  json: (_, typed) => readJson(typed),
};

function readNumber(limits, typed, form, key) {
  if (!form.test(typed)) return wrong(key, {});
  const value = Number(typed.replace(",", "."));
  if (value < (limits.minimum ?? -Infinity)) return wrong("minimum", { limit: limits.minimum });
  const { exclusiveMinimum: above = -Infinity, maximum = Infinity } = limits;
  if (value <= above) return wrong("above", { limit: above });
  if (value > maximum) return wrong("maximum", { limit: maximum });
  return { value };
}

function readText(limits, value) {
  if (!limits.pattern || new RegExp(limits.pattern, "u").test(value)) return { value };
  return wrong("pattern", { value, wanted: limits.patternErrorMessage ?? limits.pattern });
}

function readTexts(limits, typed) {
  const values = (Array.isArray(typed) ? typed : typed.split("\n")).map((one) => one.trim()).filter(Boolean);
  const faulty = values.map((one) => readText(limits, one)).find(({ problem }) => problem);
  if (faulty) return faulty;
  return values.length ? { value: values } : {};
}

function readJson(typed) {
  try {
    return { value: JSON.parse(typed) };
  } catch (error) {
    return wrong("json", { message: error.message });
  }
}

const wrong = (key, values) => ({ problem: { key, values } });

/** What stands in an entry, as it is typed into a field. */
export function typedOf(field, value) {
  if (value === undefined) return field.kind === "choices" ? [] : "";
  if (field.kind === "texts") return value.join("\n");
  if (field.kind === "choices" || field.kind === "choice" || field.kind === "text") return value;
  return field.kind === "json" ? JSON.stringify(value, null, 2) : value === null ? "" : String(value);
}

/** What is wrong with a model's name, by the schema; null: nothing. */
export function nameProblem(schema, name) {
  const { pattern } = schema.properties.models.propertyNames.anyOf[0];
  if (!name) return { key: "name_missing", values: {} };
  return new RegExp(pattern, "u").test(name) ? null : { key: "name", values: {} };
}
