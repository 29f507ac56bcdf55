// Stored content → what is sent: labels become text parts, local files become data URLs. Only here is base64
// made, and only for the length of a request.

import { fileStore } from "./store.js";

const MEDIA = new Set(["image_url", "video_url"]);

/**
 * An OpenAI content array that names no local file any more. Raises where a file is gone.
 * @param {object[] | string} content
 * @param {{signal?: AbortSignal}} [options]
 */
export const outgoing = (content, { signal } = {}) =>
  spelled(content, async (part) => {
    signal?.throwIfAborted();
    return dataUrl((await fileStore.get(part.file)).blob);
  });

/**
 * The same with any address in the place of each file.
 * @param {object[] | string} content
 * @param {(part: object) => string | Promise<string>} addressOf
 */
export async function spelled(content, addressOf) {
  if (!Array.isArray(content)) return content;
  const parts = [];
  for (const part of content) {
    if (!MEDIA.has(part.type)) parts.push({ type: "text", text: part.text });
    else {
      if (part.label) parts.push({ type: "text", text: `${part.label}: ` });
      parts.push({ type: part.type, [part.type]: { url: await addressOf(part) } });
    }
  }
  return parts;
}

/**
 * The ids of the files that a stored content names.
 * @param {object[] | string} content
 * @returns {string[]}
 */
export const filesIn = (content) =>
  Array.isArray(content) ? content.filter((part) => MEDIA.has(part.type)).map((part) => part.file) : [];

/**
 * What the user wrote, without attachments: for titles, search and copying.
 * @param {object[] | string} content
 */
export const textOf = (content) =>
  Array.isArray(content)
    ? content
        .filter((part) => part.type === "text" && !part.name)
        .map((part) => part.text)
        .join("\n\n")
    : (content ?? "");

/**
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
export const dataUrl = (blob) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(/** @type {string} */ (reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
