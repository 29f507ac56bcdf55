// Where a link in a reply may lead. A list of what is allowed; everything else stays text. Pure.

import { decoded } from "./entities.js";

const ALLOWED = ["http:", "https:", "mailto:"];
const PICTURES = ["http:", "https:"];

/**
 * The address as it may stand in a link, or null. Without a scheme it would be a page of ours, which nobody
 * meant.
 * @param {string} href @param {string[]} [allowed]
 */
export function safeAddress(href, allowed = ALLOWED) {
  try {
    const url = new URL(decoded(href));
    return allowed.includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export const safePicture = (href) => safeAddress(href, PICTURES);
