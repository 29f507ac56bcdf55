// What a picture is called when it is saved. Pure.

const MOST = 60;
// Windows keeps these for devices, whatever comes after a dot.
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

/**
 * Words of the prompt, the seed, and what the file is.
 * @param {{prompt: string, seed: number|null, type: string, layer?: number|null}} picture
 */
export function fileName({ prompt, seed, type, layer = null }) {
  const words = prompt.normalize("NFC").toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  let stem = "";
  for (const word of words) {
    if ([...stem, ...word].length + 1 > MOST) break;
    stem = stem ? `${stem}-${word}` : word;
  }
  if (!stem || DEVICES.test(stem)) stem = `picture${stem ? `-${stem}` : ""}`;
  const parts = [stem, seed, layer === null ? null : `layer${layer}`].filter((one) => one !== null);
  return `${parts.join("-")}.${ending(type)}`;
}

function ending(type) {
  return { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp" }[type] ?? "png";
}
