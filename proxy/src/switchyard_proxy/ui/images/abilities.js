// What an image model offers, out of what the manager lists and the engine tells. Pure: it neither asks nor
// shows.

/**
 * @typedef {{
 *   known: boolean, words: boolean, edits: boolean, masks: boolean, references: number, layers: boolean,
 *   transparent: boolean, native: {width: number, height: number}, multiple: number,
 *   steps: {default: number, fixed: boolean, least: number} | null, guidance: number | null, loras: string[],
 * }} Abilities
 */

const USUAL = { width: 1024, height: 1024 };
const MOST_REFERENCES = 16;

/** What may be tried as long as the engine has not said more: all that its entry does not rule out. */
function guessed(words, edits) {
  return {
    known: false, words, edits, masks: edits, references: edits ? MOST_REFERENCES : 0, layers: false,
    transparent: true, native: USUAL, multiple: 16, steps: null, guidance: null, loras: [],
  };
}

/**
 * @param {{capabilities?: string[]} | null | undefined} listed the model's entry
 * @param {Record<string, any> | null | undefined} told `capabilities` of the engine's own `/v1/models`
 * @returns {Abilities}
 */
export function abilitiesOf(listed, told) {
  const can = listed?.capabilities ?? [];
  const words = can.includes("images");
  const edits = can.includes("image_edits");
  if (!told) return guessed(words, edits);
  return {
    known: true,
    words: words && told.from_words !== false,
    edits: edits && Boolean(told.edits),
    masks: edits && Boolean(told.masks),
    references: edits ? told.reference_images ?? 1 : 0,
    layers: Boolean(told.layers),
    transparent: Boolean(told.transparent_background),
    native: sizeOf(told.native_size) ?? USUAL,
    multiple: told.size_multiple ?? 16,
    steps: told.steps ?? null,
    guidance: told.guidance ?? null,
    loras: told.loras ?? [],
  };
}

function sizeOf(text) {
  const found = /^(\d+)x(\d+)$/.exec(text ?? "");
  return found && { width: Number(found[1]), height: Number(found[2]) };
}

/**
 * Why a control is of no use with this model: the name of a reason, or null where it is of use.
 * @param {Abilities} abilities
 * @param {"draw"|"edit"|"mask"|"lora"|"steps"|"transparent"} what
 * @param {number} references how many images are given
 */
export function whyNot(abilities, what, references = 0) {
  switch (what) {
    case "draw": return abilities.words ? null : "no-words";
    case "edit": return abilities.edits ? null : "no-edits";
    case "mask":
      if (!abilities.edits) return "no-edits";
      if (!abilities.masks) return "no-masks";
      if (references === 0) return "no-image";
      return references > 1 ? "mask-one-image" : null;
    case "lora":
      if (!abilities.known) return "not-known";
      return abilities.loras.length === 0 ? "no-loras" : null;
    case "steps": return abilities.steps?.fixed ? "fixed-steps" : null;
    case "transparent": return abilities.transparent ? null : "no-transparency";
    default: throw new Error(`nothing is known of ${what}`);
  }
}
