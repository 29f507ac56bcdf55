// Words on what this room draws. They follow the page's language, also on what was drawn long ago.

import { effect } from "../html.js";
import { lang, t } from "../i18n/index.js";

/** @param {Element} element @param {string} key */
export function label(element, key) {
  element.setAttribute("data-words", key);
  element.textContent = t(key);
}

if (globalThis.document?.querySelectorAll) {
  effect(() => {
    if (!lang.value) return;
    for (const element of document.querySelectorAll("[data-words]")) label(element, element.dataset.words);
  });
}
