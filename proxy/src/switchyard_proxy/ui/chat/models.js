// Which model answers: those that can chat, and the one that is chosen. Reads what the manager says; changes
// nothing.

import { computed } from "../html.js";
import { models } from "../store/live.js";
import { find } from "../store/names.js";
import { settings } from "../store/settings.js";
import { current } from "./open.js";

export const canChat = (model) =>
  model.capabilities?.length ? model.capabilities.includes("chat") : model.type !== "image";

/**
 * A model for those who chose none: one that is there already, else the first. Pure.
 * @param {object[]} all
 */
export function usual(all) {
  const able = all.filter(canChat);
  return (able.find((one) => one.phase === "ready") ?? able[0])?.name ?? "";
}

/** The name by which the next question is asked. Empty: there is no model that can chat. */
export const chosenModel = computed(() => current.value.model || settings.value.model || usual(models.value));

/** The ModelStatus behind a name; null if none is known. */
export const statusOf = (name) => find(models.value, name)?.model ?? null;
