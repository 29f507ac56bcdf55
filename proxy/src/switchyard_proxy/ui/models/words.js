// Words for what managers name by a code: why a run failed or ended. null: the page has none for it.

import { has, t } from "../i18n/index.js";

/** @param {string} reason @returns {string|null} */
export const reasonOf = (reason) => (has(`models.reason.${reason}`) ? t(`models.reason.${reason}`) : null);

/** What to do about it. @param {string} reason @returns {string|null} */
export const adviceOf = (reason) => (has(`models.advice.${reason}`) ? t(`models.advice.${reason}`) : null);

/** Why a run ended, by the sentence of the history. @param {string} because @returns {string} */
export function endOf(because) {
  const code = because.replace(/\W+/g, "_");
  return reasonOf(code) ?? (has(`models.ended.${code}`) ? t(`models.ended.${code}`) : because);
}
