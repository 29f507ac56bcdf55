// A request's content as it will be sent, short enough to read: data and long texts shortened, with their
// sizes. Pure.

const MOST_TEXT = 2000;

/**
 * @param {object[]} content whose addresses are short already
 * @param {(characters: number) => string} moreOf words for so many that are not shown
 */
export const previewText = (content, moreOf) =>
  JSON.stringify(content, (_key, value) => (typeof value === "string" ? shortened(value, moreOf) : value), 2);

const shortened = (text, moreOf) =>
  text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}… (${moreOf(text.length - MOST_TEXT)})` : text;

/**
 * The beginning of a file's data URL. @param {string} type
 * @param {Uint8Array} head the file's first bytes
 * @param {string} size in words
 */
export const shortAddress = (type, head, size) =>
  `data:${type};base64,${btoa(String.fromCharCode(...head)).replace(/=+$/, "")}… (${size})`;
