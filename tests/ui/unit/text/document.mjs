// As much of a browser's document as drawing a text needs, so that it can be drawn ten thousand times in a second.
// Refuses what the page may never do: there is no innerHTML.

const ELEMENT = 1;
const TEXT = 3;
const FRAGMENT = 11;

class Node {
  parentNode = null;
  childNodes = [];

  get firstChild() { return this.childNodes[0] ?? null; }

  get lastChild() { return this.childNodes.at(-1) ?? null; }

  get nextSibling() {
    const row = this.parentNode?.childNodes ?? [];
    return row[row.indexOf(this) + 1] ?? null;
  }

  get textContent() { return this.childNodes.map((node) => node.textContent).join(""); }

  set textContent(text) { this.replaceChildren(...(text === "" ? [] : [text])); }

  append(...nodes) { for (const node of nodes) this.insertBefore(node, null); }

  appendChild(node) { return this.insertBefore(node, null); }

  insertBefore(given, before) {
    const node = typeof given === "string" ? new Text(given) : given;
    if (node.nodeType === FRAGMENT) {
      for (const child of [...node.childNodes]) this.insertBefore(child, before);
      return node;
    }
    node.remove();
    const at = before === null ? this.childNodes.length : this.childNodes.indexOf(before);
    if (at < 0) throw new Error("NotFoundError");
    this.childNodes.splice(at, 0, node);
    node.parentNode = this;
    return node;
  }

  removeChild(node) {
    const at = this.childNodes.indexOf(node);
    if (at < 0) throw new Error("NotFoundError");
    this.childNodes.splice(at, 1);
    node.parentNode = null;
    return node;
  }

  replaceChild(node, old) {
    this.insertBefore(node, old);
    return this.removeChild(old);
  }

  replaceChildren(...nodes) {
    for (const node of [...this.childNodes]) this.removeChild(node);
    this.append(...nodes);
  }

  remove() { this.parentNode?.removeChild(this); }
}

class Text extends Node {
  nodeType = TEXT;
  nodeName = "#text";

  constructor(data) {
    super();
    this.data = String(data);
  }

  get textContent() { return this.data; }

  set textContent(text) { this.data = text; }

  appendData(text) { this.data += text; }
}

class Element extends Node {
  nodeType = ELEMENT;
  attributes = new Map();

  constructor(name) {
    super();
    this.nodeName = name.toUpperCase();
    const names = () => this.className.split(" ").filter(Boolean);
    this.classList = {
      contains: (one) => names().includes(one),
      add: (one) => { if (!names().includes(one)) this.className = [...names(), one].join(" "); },
      toggle: (one, force = !names().includes(one)) => {
        const others = names().filter((other) => other !== one);
        if (force !== names().includes(one)) this.className = (force ? [...others, one] : others).join(" ");
        return force;
      },
    };
  }

  get className() { return this.attributes.get("class") ?? ""; }

  set className(names) { this.attributes.set("class", names); }

  set tabIndex(index) { this.attributes.set("tabindex", String(index)); }

  set type(type) { this.attributes.set("type", type); }

  set innerHTML(_) { throw new Error("no innerHTML here"); }

  setAttribute(name, value) { this.attributes.set(name, String(value)); }

  getAttribute(name) { return this.attributes.get(name) ?? null; }

  hasAttribute(name) { return this.attributes.has(name); }

  getAttributeNames() { return [...this.attributes.keys()]; }

  addEventListener() {}

  querySelector(name) {
    for (const child of this.childNodes) {
      const found = child.nodeName === name.toUpperCase() ? child : child.querySelector?.(name);
      if (found) return found;
    }
    return null;
  }
}

class Fragment extends Node {
  nodeType = FRAGMENT;
  nodeName = "#document-fragment";
}

const frames = [];

/** Puts the document in the place of the browser's. @returns {{frame: () => void}} `frame` lets what waits be drawn */
export function pretendDocument() {
  globalThis.document = Object.assign(new EventTarget(), {
    visibilityState: "visible",
    createElement: (name) => new Element(name),
    createTextNode: (data) => new Text(data),
    createDocumentFragment: () => new Fragment(),
  });
  globalThis.requestIdleCallback = () => {}; // there is never time for colours and formulas
  globalThis.requestAnimationFrame = (draw) => frames.push(draw);
  globalThis.cancelAnimationFrame = (frame) => { frames[frame - 1] = () => {}; };
  return { frame: () => { for (const draw of frames.splice(0)) draw(performance.now()); } };
}

/** A tree as text, to compare: names, attributes, texts. The buttons of code blocks say nothing about the text. */
export function written(node, depth = 0) {
  const pad = "  ".repeat(depth);
  if (node.nodeType === TEXT) return `${pad}${JSON.stringify(node.data)}\n`;
  if (node.nodeName === "BUTTON") return "";
  const inner = [...node.childNodes].map((child) => written(child, depth + 1)).join("");
  if (node.nodeType === FRAGMENT) return [...node.childNodes].map((child) => written(child, depth)).join("");
  const attributes = node.getAttributeNames().filter((name) => node.getAttribute(name) !== "" || name !== "class").sort()
    .map((name) => ` ${name}=${JSON.stringify(node.getAttribute(name))}`).join("");
  return `${pad}<${node.nodeName.toLowerCase()}${attributes}>\n${inner}`;
}

/** The children of an element as text. */
export const inside = (element) => element.childNodes.map((child) => written(child)).join("");
