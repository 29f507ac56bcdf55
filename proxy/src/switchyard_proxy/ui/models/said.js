// A manager's words in the reader's language where the page knows them; else as they were said, marked as
// English.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { known } from "./sayings.js";

/** @param {{text: string, otherwise?: string}} props `otherwise` stands where nothing was said */
export function Said({ text, otherwise = "" }) {
  if (!text) return otherwise;
  const found = known(text);
  return found ? t(`models.said.${found.key}`, found.values) : html`<span lang="en">${text}</span>`;
}
