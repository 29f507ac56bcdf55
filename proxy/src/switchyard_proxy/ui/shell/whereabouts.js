// On which machine a model is, where its name alone does not tell. Values and words only.

import { t } from "../i18n/index.js";
import { namesOf } from "../store/machine-names.js";

/**
 * @param {{name: string, site?: number}} model
 * @param {ReadonlyArray<object>} models all that are known
 * @param {ReadonlyArray<{site: number, url?: string|null}>} sites
 * @returns {string} its machine; nothing where no other machine has a model of this name
 */
export function whereabouts(model, models, sites) {
  const site = siteOf(model);
  const isOneOfSeveral = models.some((other) => other.name === model.name && siteOf(other) !== site);
  if (!isOneOfSeveral) return "";
  return namesOf(sites).get(site) ?? t("shell.machine_n", { n: site + 1 });
}

const siteOf = ({ site }) => site ?? 0;
