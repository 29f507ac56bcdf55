// `&amp;` and its kind as the letters that they stand for. Pure; what is not known stays as it is written.

const NAMED = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00A0", ensp: "\u2002", emsp: "\u2003",
  thinsp: "\u2009", shy: "\u00AD", zwnj: "\u200C", zwj: "\u200D", copy: "©", reg: "®", trade: "™", deg: "°",
  plusmn: "±", times: "×", divide: "÷", middot: "·", bull: "•", hellip: "…", ndash: "–", mdash: "—",
  lsquo: "‘", rsquo: "’", sbquo: "‚", ldquo: "“", rdquo: "”", bdquo: "„", laquo: "«", raquo: "»", lsaquo: "‹",
  rsaquo: "›", sect: "§", para: "¶", larr: "←", uarr: "↑", rarr: "→", darr: "↓", harr: "↔", rArr: "⇒",
  lArr: "⇐", hArr: "⇔", le: "≤", ge: "≥", ne: "≠", asymp: "≈", equiv: "≡", infin: "∞", radic: "√", sum: "∑",
  prod: "∏", int: "∫", part: "∂", nabla: "∇", isin: "∈", forall: "∀", exist: "∃", empty: "∅", cap: "∩",
  cup: "∪", sub: "⊂", sup: "⊃", and: "∧", or: "∨", not: "¬", alpha: "α", beta: "β", gamma: "γ", delta: "δ",
  epsilon: "ε", theta: "θ", lambda: "λ", mu: "μ", pi: "π", rho: "ρ", sigma: "σ", tau: "τ", phi: "φ",
  omega: "ω", Delta: "Δ", Sigma: "Σ", Omega: "Ω", micro: "µ", euro: "€", pound: "£", yen: "¥", cent: "¢",
  frac12: "½", frac14: "¼", frac34: "¾", sup1: "¹", sup2: "²", sup3: "³", check: "✓", cross: "✗",
};
const ENTITY = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]+\d*));/g;

/** @param {string} text */
export function decoded(text) {
  if (!text.includes("&")) return text;
  return text.replace(ENTITY, (whole, decimal, hex, name) => (
    name === undefined ? signOf(Number.parseInt(decimal ?? hex, decimal ? 10 : 16))
      : Object.hasOwn(NAMED, name) ? NAMED[name] : whole
  ));
}

const signOf = (code) => (
  code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? "\uFFFD" : String.fromCodePoint(code)
);
