// What openai-node declares of replies, read from its .d.ts files: it checks nothing itself, and knows no types
// when it runs. Understands as much of TypeScript as those files use for replies.

import { readFileSync } from "node:fs";

const TOKEN = /'[^']*'|"[^"]*"|[\w$.]+|=>|[{}[\]()<>|&?:;,=]/g;

export class Declared {
  // Full names ("ChatCompletion.Choice") to their fields or, for `type X = …`, to a type.
  #known = new Map();

  constructor(...files) {
    for (const file of files) {
      const text = readFileSync(new URL(`./node_modules/openai/resources/${file}.d.ts`, import.meta.url), "utf8");
      this.#read(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "").match(TOKEN));
    }
  }

  // `faults`: what is not as declared. `beyond`: the fields that are not declared.
  judge(name, value) {
    if (!this.#known.has(name)) throw new Error(`openai-node declares no ${name}`);
    return this.#judge({ name, scope: "" }, value, "");
  }

  #read(tokens) {
    let at = 0;
    const next = () => tokens[at++];
    const take = (token) => {
      if (next() !== token) throw new Error(`expected ${token} at ${tokens.slice(at - 5, at + 3).join(" ")}`);
    };
    const skipBlock = () => {
      for (let depth = 1; depth; ) depth += { "{": 1, "}": -1 }[next()] ?? 0;
    };

    const statements = (scope) => {
      while (at < tokens.length && tokens[at] !== "}") {
        const word = next();
        if (word === "interface") anInterface(scope);
        else if (word === "namespace") {
          const name = next();
          take("{");
          statements(`${scope}${name}.`);
          take("}");
        } else if (word === "type" && tokens[at + 1] === "=") {
          const name = next();
          take("=");
          this.#known.set(scope + name, { type: type(`${scope}${name}.`) });
        } else if (word === "{") skipBlock();
      }
    };
    const anInterface = (scope) => {
      const name = next();
      const parents = [];
      while (next() !== "{") parents.push({ name: tokens[at - 1], scope });
      const fields = members(`${scope}${name}.`);
      this.#known.set(scope + name, { fields, parents: parents.filter((one) => one.name !== "extends") });
    };
    const members = (scope) => {
      const fields = {};
      while (tokens[at] !== "}") {
        if (tokens[at] === "[") {
          while (next() !== "]");
          take(":");
          fields["*"] = { type: type(scope), optional: true };
        } else {
          const name = next().replace(/['"]/g, "");
          const optional = tokens[at] === "?" && Boolean(next());
          take(":");
          fields[name] = { type: type(scope), optional };
        }
        if (tokens[at] === ";") next();
      }
      next();
      return fields;
    };
    const type = (scope) => {
      if (tokens[at] === "|") next();
      const branches = [postfix(scope)];
      while (tokens[at] === "|" && next()) branches.push(postfix(scope));
      return branches.length === 1 ? branches[0] : { anyOf: branches };
    };
    const postfix = (scope) => {
      let one = primary(scope);
      while (tokens[at] === "&" && next()) primary(scope); // `string & {}` is a string
      while (tokens[at] === "[" && next()) {
        take("]");
        one = { items: one };
      }
      return one;
    };
    const primary = (scope) => {
      const token = next();
      if (/^['"]/.test(token)) return { literal: token.slice(1, -1) };
      if (/^\d/.test(token)) return { literal: Number(token) };
      if (token === "{") return { fields: members(scope), parents: [] };
      if (token === "(") {
        const inner = type(scope);
        take(")");
        return inner;
      }
      if (tokens[at] !== "<") return { name: token, scope };
      next();
      const argument = type(scope);
      while (next() !== ">");
      return token === "Array" ? { items: argument } : { name: token, scope };
    };
    statements("");
  }

  #judge(type, value, path) {
    if (type.anyOf) return this.#best(type.anyOf, value, path);
    if (type.items) return this.#items(type.items, value, path);
    if (type.fields) return this.#fields(type, value, path);
    if ("literal" in type) return said(value === type.literal, path, `is ${JSON.stringify(value)}`);
    if (["string", "number", "boolean"].includes(type.name)) {
      return said(typeof value === type.name, path, `is ${JSON.stringify(value)}, not a ${type.name}`);
    }
    if (type.name === "null") return said(value === null, path, "is not null");
    if (type.name === "unknown") return said(true);
    const found = this.#find(type);
    return found ? this.#judge(found.type ?? found, value, path) : said(false, path, `has the type ${type.name}`);
  }

  // From the innermost scope outwards; the name that another file was imported by is left out.
  #find({ name, scope }) {
    for (let outer = scope; ; outer = outer.replace(/[^.]+\.$/, "")) {
      if (this.#known.has(outer + name)) return this.#known.get(outer + name);
      if (outer === "") return this.#known.get(name.replace(/^[^.]+\./, ""));
    }
  }

  #best(branches, value, path) {
    const judged = branches.map((branch) => this.#judge(branch, value, path));
    return judged.reduce((best, one) => (one.faults.length < best.faults.length ? one : best));
  }

  #items(type, value, path) {
    if (!Array.isArray(value)) return said(false, path, "is not a list");
    return together(value.map((each) => this.#judge(type, each, path)));
  }

  #fields(type, value, path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return said(false, path, "is no object");
    const fields = this.#inherited(type);
    const judged = Object.entries(fields).map(([name, field]) => {
      if (name === "*") return said(true);
      const place = path ? `${path}.${name}` : name;
      if (value[name] === undefined) return said(field.optional, place, "is missing");
      return this.#judge(field.type, value[name], place);
    });
    const beyond = "*" in fields ? [] : Object.keys(value).filter((name) => !(name in fields));
    const named = beyond.map((name) => (path ? `${path}.${name}` : name));
    return together([...judged, { faults: [], beyond: named }]);
  }

  #inherited({ fields, parents }) {
    const above = parents.map((parent) => this.#find(parent)).filter(Boolean);
    return Object.assign({}, ...above.map((one) => this.#inherited(one)), fields);
  }
}

function said(fine, path, why) {
  return { faults: fine ? [] : [`${path}: ${why}`], beyond: [] };
}

function together(all) {
  const of = (what) => [...new Set(all.flatMap((one) => one[what]))].sort();
  return { faults: of("faults"), beyond: of("beyond") };
}
