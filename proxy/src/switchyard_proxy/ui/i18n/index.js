// Words, numbers and times in the reader's language. Areas are loaded when something needs them.

import { signal } from "../html.js";

export const LANGUAGES = ["en", "ru"];
/** The language of the page. Set by `setLang` only, when every loaded area is there in it. */
export const lang = signal("en");

const texts = { en: {}, ru: {} };
const loaded = new Set();
let wanted = "en";

async function fetchArea(code, area) {
  texts[code][area] ??= (await import(`./${code}/${area}.js`)).default;
}

/** Makes `t("<area>.…")` answer, now and after a change of language. */
export async function loadArea(area) {
  loaded.add(area);
  await Promise.all([lang.peek(), wanted].map((code) => fetchArea(code, area)));
}

/** @param {"en" | "ru"} code */
export async function setLang(code) {
  wanted = code;
  await Promise.all([...loaded].map((area) => fetchArea(code, area)));
  // Meanwhile another one may have been asked for.
  if (wanted === code) lang.value = code;
}

/** What `wanted` means here: `auto` follows the browser. */
export function resolve(wanted, spoken = globalThis.navigator?.languages ?? []) {
  if (LANGUAGES.includes(wanted)) return wanted;
  return spoken.map((tag) => tag.slice(0, 2).toLowerCase()).find((code) => LANGUAGES.includes(code)) ?? "en";
}

/**
 * The text of a key, `{name}` replaced by `values.name`. A text with plural forms is chosen by `values.n`.
 * A key without a text is shown as it is.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = texts[lang.value][key.slice(0, key.indexOf("."))]?.[key.slice(key.indexOf(".") + 1)];
  if (text === undefined) return key;
  const form = typeof text === "string" ? text : formOf(text, values.n);
  return form.replace(/\{(\w+)\}/g, (whole, name) => shown(values[name], whole));
}

/** Whether a key has a text. For keys that somebody else chooses, such as an error's code. */
export const has = (key) => t(key) !== key;

const formOf = (forms, n) => forms[rules(lang.value).select(n)] ?? forms.other;
const shown = (value, otherwise) => (
  typeof value === "number" ? number(value) : value === undefined ? otherwise : String(value)
);

const kept = new Map();
const keep = (name, make) => kept.get(name) ?? kept.set(name, make()).get(name);
const rules = (code) => keep(`plural ${code}`, () => new Intl.PluralRules(code));

/** @param {Intl.NumberFormatOptions} [options] */
export function number(n, options) {
  const name = `number ${lang.value} ${JSON.stringify(options)}`;
  return keep(name, () => new Intl.NumberFormat(lang.value, options)).format(n);
}

/** A share of one as whole per cent. */
export const percent = (share) => number(share, { style: "percent", maximumFractionDigits: 0 });

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A size with its binary unit and at most three digits that matter. */
export function bytes(n) {
  const step = n < 1 ? 0 : Math.min(SIZES.length - 1, Math.floor(Math.log2(n) / 10));
  const size = n / 1024 ** step;
  const digits = step === 0 || size >= 100 ? 0 : 1;
  return `${number(size, { maximumFractionDigits: digits })} ${t(`shell.unit.${SIZES[step]}`)}`;
}

/** A span of time: `0.4 s`, `14 s`, `2 min 5 s`, `3 h 20 min`. */
export function seconds(s) {
  if (s < 9.95) return `${number(s, { maximumFractionDigits: 1 })} ${t("shell.unit.s")}`;
  const whole = Math.round(s);
  if (whole < 60) return `${number(whole)} ${t("shell.unit.s")}`;
  if (whole < 3600) return both(Math.floor(whole / 60), "min", whole % 60, "s");
  return both(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
}

const both = (large, unit, small, smaller) => [
  `${number(large)} ${t(`shell.unit.${unit}`)}`,
  ...(small ? [`${number(small)} ${t(`shell.unit.${smaller}`)}`] : []),
].join(" ");

const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

/** How long ago a moment (in seconds since 1970) was, in words. */
export function ago(unixSeconds, now = Date.now() / 1000) {
  const code = lang.value;
  const format = keep(`ago ${code}`, () => new Intl.RelativeTimeFormat(code, { numeric: "auto" }));
  let span = Math.round(unixSeconds - now);
  for (const [unit, size] of STEPS) {
    if (Math.abs(span) < size) return format.format(span, unit);
    span = Math.trunc(span / size);
  }
  return "";
}
