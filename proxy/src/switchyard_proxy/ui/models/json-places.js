// Where in the text of a JSON file a place such as `models["qwen2.5"].aliases[0]` is. It reads what it can of
// a broken text, and answers for what comes before the break. Values only.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/gy;
const STEP = /\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\.?([A-Za-z0-9_$-]+)/gy;

/**
 * The steps of a place as it is written in a fault; null: it is not written so.
 * @param {string} path
 * @returns {Array<string|number>|null}
 */
export function stepsOf(path) {
  const steps = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const found = STEP.exec(path);
    if (!found) return null;
    if (found[1] !== undefined) steps.push(JSON.parse(`"${found[1]}"`));
    else steps.push(found[2] === undefined ? found[3] : Number(found[2]));
  }
  return steps;
}

/**
 * From where to where a place's value, or its key, stands in a text; the nearest that is there, going up.
 * @param {string} text
 * @param {string} path
 * @returns {{start: number, end: number}|null}
 */
export function placeIn(text, path) {
  const steps = stepsOf(path);
  if (!steps?.length) return null;
  const places = allPlaces(text);
  for (let length = steps.length; length > 0; length -= 1) {
    const found = places.get(keyOf(steps.slice(0, length)));
    if (found) return found;
  }
  return null;
}

/** The rest of a line from a column on, both counted from 1. */
export function lineIn(text, line, column = 1) {
  const lines = text.split("\n");
  if (line < 1 || line > lines.length) return null;
  const begin = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return { start: begin + Math.min(column - 1, lines[line - 1].length), end: begin + lines[line - 1].length };
}

const keyOf = (steps) => JSON.stringify(steps);

/** Every place of a text by its steps: of a member its key, of an item its first word. */
function allPlaces(text) {
  const places = new Map();
  const open = []; // {steps, index} of a list, {steps, key} of an object
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found; skip(text), found = TOKEN.exec(text)) {
    note(places, open, found[0], found.index);
  }
  return places;
}

function skip(text) {
  while (/\s/.test(text[TOKEN.lastIndex] ?? "")) TOKEN.lastIndex += 1;
}

function note(places, open, token, at) {
  const around = open.at(-1);
  if (token === "}" || token === "]") open.pop();
  else if (token === ",") next(around);
  else if (around?.wantsKey && token.startsWith('"')) {
    around.key = unquoted(token);
    around.wantsKey = false;
    places.set(keyOf([...around.steps, around.key]), { start: at, end: at + token.length });
  } else if (token !== ":") value(places, open, token, at);
}

function next(around) {
  if (!around) return;
  if (around.index === undefined) around.wantsKey = true;
  else around.index += 1;
}

function value(places, open, token, at) {
  const around = open.at(-1);
  const steps = around ? [...around.steps, around.index ?? around.key] : [];
  if (around?.index !== undefined) places.set(keyOf(steps), { start: at, end: at + token.length });
  if (token === "{") open.push({ steps, wantsKey: true });
  if (token === "[") open.push({ steps, index: 0 });
}

function unquoted(token) {
  try {
    return JSON.parse(token);
  } catch {
    return token.slice(1, -1);
  }
}
