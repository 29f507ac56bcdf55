// What a file is, by its first bytes, and what can be done with it. Pure: it reads no file and shows nothing.
// Names and types that a system gives are believed only where the bytes say nothing.

/** Pictures that models' servers read as they are. */
const READ_AS_THEY_ARE = new Set([
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/bmp",
  "image/tiff",
]);
/** Pictures that must be drawn anew first, if this browser can show them. */
const DRAWN_ANEW = new Set(["image/avif", "image/heic", "image/svg+xml", "image/x-icon", "image/jxl"]);
const TEXT_NAMES = new RegExp(
  "\\.(txt|md|rst|log|csv|tsv|json|jsonl|ya?ml|toml|ini|cfg|conf|env|xml|html?|css|m?[jt]sx?|py|pyi|ipynb|" +
    "sh|bash|ps1|bat|c|h|cc|cpp|hpp|cs|go|rs|java|kt|swift|rb|php|pl|lua|sql|r|tex|diff|patch|dockerfile|" +
    "srt|vtt)$",
  "i",
);
const HEIC_BRANDS = new Set(["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]);
const GENERIC_BRANDS = new Set(["mif1", "msf1"]);

/** How many bytes of a file `kindOf` wants to see. */
export const HEAD_BYTES = 512;

/**
 * What a file is and what becomes of it.
 * @param {{name: string, type: string, head: Uint8Array, size: number}} file
 * @returns {{kind: "image" | "video" | "text", type: string, redraw: boolean} | {kind: "refused", reason:
 *   string}} `reason` is one of: empty, audio, pdf, unknown
 */
export function kindOf({ name, type, head, size }) {
  if (!size) return { kind: "refused", reason: "empty" };
  const found = sniff(head) ?? (looksLikeSvg(head) ? "image/svg+xml" : null);
  if (found?.startsWith("image/")) return picture(found);
  if (found?.startsWith("video/")) return { kind: "video", type: found, redraw: false };
  if (found) return { kind: "refused", reason: found === "application/pdf" ? "pdf" : "audio" };
  return byName(name, type, head);
}

/**
 * The type that the first bytes speak of, or null.
 * @param {Uint8Array} head
 */
export function sniff(head) {
  const at = (offset, text) => [...text].every((letter, i) => head[offset + i] === letter.charCodeAt(0));
  if (at(0, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (at(0, "\xff\xd8\xff")) return "image/jpeg";
  if (at(0, "GIF8")) return "image/gif";
  if (at(0, "RIFF")) return riff(at);
  if (at(0, "BM") && head[14] >= 12 && head[15] === 0) return "image/bmp";
  if (at(0, "II*\0") || at(0, "MM\0*")) return "image/tiff";
  if (at(0, "\0\0\x01\0") && head[5] === 0 && head[4] > 0) return "image/x-icon";
  if (at(0, "\xff\x0a") || at(0, "\0\0\0\x0cJXL ")) return "image/jxl";
  if (at(4, "ftyp")) return brand(head);
  if (["moov", "mdat", "wide", "skip", "free"].some((box) => at(4, box))) return "video/quicktime";
  if (at(0, "\x1a\x45\xdf\xa3")) return contains(head, "webm") ? "video/webm" : "video/x-matroska";
  if (at(0, "FLV\x01")) return "video/x-flv";
  if (at(0, "\0\0\x01\xba") || at(0, "\0\0\x01\xb3")) return "video/mpeg";
  if (head[0] === 0x47 && head[188] === 0x47 && head[376] === 0x47) return "video/mp2t";
  if (at(0, "%PDF-")) return "application/pdf";
  if (at(0, "ID3") || at(0, "fLaC") || at(0, "\xff\xfb") || at(0, "\xff\xf3")) return "audio/unknown";
  if (at(0, "OggS")) return contains(head, "theora") ? "video/ogg" : "audio/ogg";
  return null;
}

const riff = (at) => {
  if (at(8, "WEBP")) return "image/webp";
  if (at(8, "AVI ")) return "video/x-msvideo";
  return at(8, "WAVE") ? "audio/wav" : null;
};

function brand(head) {
  const letters = (from) => String.fromCharCode(...head.subarray(from, from + 4));
  const length = Math.min(new DataView(head.buffer, head.byteOffset).getUint32(0), head.length);
  const brands = [letters(8)];
  for (let at = 16; at + 4 <= length; at += 4) brands.push(letters(at));
  if (brands.some((each) => each === "avif" || each === "avis")) return "image/avif";
  if (brands.some((each) => HEIC_BRANDS.has(each)) || GENERIC_BRANDS.has(brands[0])) return "image/heic";
  if (brands[0].startsWith("M4A") || brands[0].startsWith("M4B")) return "audio/mp4";
  return brands[0] === "qt  " ? "video/quicktime" : "video/mp4";
}

const contains = (head, word) => String.fromCharCode(...head).includes(word);

function looksLikeSvg(head) {
  const start = new TextDecoder().decode(head).trimStart();
  return /^(<\?xml[^>]*\?>\s*)?(<!--[\s\S]*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i.test(start);
}

function picture(type) {
  if (READ_AS_THEY_ARE.has(type)) return { kind: "image", type, redraw: false };
  return DRAWN_ANEW.has(type)
    ? { kind: "image", type, redraw: true }
    : { kind: "refused", reason: "unknown" };
}

function byName(name, type, head) {
  if (head.includes(0)) return { kind: "refused", reason: type.startsWith("audio/") ? "audio" : "unknown" };
  const isText = type.startsWith("text/") || type === "application/json" || TEXT_NAMES.test(name);
  return isText || isPrintable(head) ? { kind: "text", type: "text/plain", redraw: false } : unknown(type);
}

const unknown = (type) => ({ kind: "refused", reason: type.startsWith("audio/") ? "audio" : "unknown" });

/** Text in UTF-8; its last character may be cut in the middle. */
function isPrintable(head) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}
