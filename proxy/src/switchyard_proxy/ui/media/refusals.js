// Why a file was not taken, in words, with what to do about it.

import { t } from "../i18n/index.js";

const MOST_NAMED = 4;

/**
 * One text for all files that were refused together.
 * @param {import("./intake.js").Refusal[]} refused
 */
export function refusedText(refused) {
  const lines = refused
    .slice(0, MOST_NAMED)
    .map(({ name, reason }) => t(`media.refused.${reason}`, { name }));
  const more = refused.length - lines.length;
  return [...lines, ...(more > 0 ? [t("media.refused.more", { n: more })] : [])].join("\n");
}
