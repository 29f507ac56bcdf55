// The sampling settings that one may set for new chats, and what may stand in their fields. Pure.

export const SAMPLING = {
  temperature: { least: 0, most: 2, step: 0.1, whole: false },
  top_p: { least: 0, most: 1, step: 0.05, whole: false },
  max_tokens: { least: 1, most: 10_000_000, step: 1, whole: true },
  seed: { least: 0, most: Number.MAX_SAFE_INTEGER, step: 1, whole: true },
};

/**
 * What a field's text means: a number, or null where it is left to the model.
 * @param {keyof typeof SAMPLING} name
 * @param {string} text as typed; a comma is a decimal point, too
 * @returns {{value: number | null} | {fault: "number" | "whole" | "range"}}
 */
export function parse(name, text) {
  const { least, most, whole } = SAMPLING[name];
  const said = text.trim().replace(",", ".");
  if (said === "") return { value: null };
  const value = Number(said);
  if (!Number.isFinite(value)) return { fault: "number" };
  if (whole && !Number.isInteger(value)) return { fault: "whole" };
  return value < least || value > most ? { fault: "range" } : { value };
}
