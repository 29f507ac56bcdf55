// Colours for code: the grammar of a language is asked for when first needed, and its tokens become spans.
// The text is never changed, and never becomes HTML.

import { lazily } from "./later.js";

const LANGUAGES = {
  bash: ["bash", "sh", "shell", "zsh", "console", "shell-session"],
  cpp: ["cpp", "c", "c++", "cc", "h", "hpp", "cuda"],
  css: ["css", "scss", "less"],
  diff: ["diff", "patch"],
  dockerfile: ["dockerfile", "docker", "containerfile"],
  go: ["go", "golang"],
  ini: ["ini", "toml", "conf", "properties"],
  java: ["java", "kotlin", "scala"],
  javascript: ["javascript", "js", "jsx", "mjs", "cjs"],
  json: ["json", "jsonc", "json5", "jsonl"],
  python: ["python", "py", "python3", "pyi"],
  rust: ["rust", "rs"],
  sql: ["sql", "postgres", "postgresql", "mysql", "sqlite"],
  typescript: ["typescript", "ts", "tsx"],
  xml: ["xml", "html", "svg", "vue", "svelte", "xhtml"],
  yaml: ["yaml", "yml"],
};
const NAMES = new Map(
  Object.entries(LANGUAGES).flatMap(([name, aliases]) => aliases.map((alias) => [alias, name])),
);
const LARGEST = 60_000; // signs; more would hold the page up
const INSIDE = { javascript: ["xml", "css"], typescript: ["xml", "css"], xml: ["javascript", "css"] };

/** The grammar for a language as it stands behind a fence, or null. */
export const grammarOf = (language) => NAMES.get(language) ?? null;

const grammars = new Map();

function withGrammar(name, then) {
  if (!grammars.has(name)) grammars.set(name, lazily(() => load(name)));
  grammars.get(name)(then);
}

async function load(name) {
  const wanted = [name, ...(INSIDE[name] ?? [])];
  const [core, ...modules] = await Promise.all([
    import("../vendor/highlight/core.js"),
    ...wanted.map((one) => import(`../vendor/highlight/languages/${one}.js`)),
  ]);
  wanted.forEach((one, index) => core.default.registerLanguage(one, modules[index].default));
  return core.default;
}

/**
 * @param {string} language
 * @param {Element} code whose children are parts of whole lines
 * @param {(job: () => void) => void} later
 * @param {() => void} then
 */
export function colour(language, code, later, then) {
  const name = grammarOf(language);
  const text = code.textContent;
  if (name === null || text.length > LARGEST) return;
  withGrammar(name, (library) => later(() => {
    if (code.textContent !== text) return;
    const tree = library.highlight(text, { language: name, ignoreIllegals: true })._emitter.rootNode;
    const parts = [...code.childNodes];
    const lengths = parts.map((part) => part.textContent.length);
    const coloured = cut(piecesOf(tree), lengths);
    coloured.forEach((pieces, index) => parts[index].replaceChildren(...pieces.map(span)));
    then();
  }));
}

/** The tree of tokens as a row of `{scope, text}`. Pure. */
export function piecesOf(node, scope = "", pieces = []) {
  for (const child of node.children) {
    if (typeof child === "string") pieces.push({ scope, text: child });
    else piecesOf(child, child.scope && !child.language ? child.scope.split(".", 1)[0] : scope, pieces);
  }
  return pieces;
}

/** The row cut into parts of these lengths. Pure. */
export function cut(pieces, lengths) {
  const parts = lengths.map(() => []);
  let part = 0;
  let room = lengths[0] ?? 0;
  for (const { scope, text } of pieces) {
    for (let from = 0; from < text.length;) {
      while (room === 0) room = lengths[part += 1];
      const piece = text.slice(from, from + room);
      parts[part].push({ scope, text: piece });
      from += piece.length;
      room -= piece.length;
    }
  }
  return parts;
}

function span({ scope, text }) {
  if (scope === "") return document.createTextNode(text);
  const made = document.createElement("span");
  made.className = `token-${scope}`;
  made.textContent = text;
  return made;
}
