// Stand-ins for counting tokens: a file's size and length without its content, so that a budget of 60 MB of
// pictures costs a few hundred bytes to ask for. Counts depend on width, height and frames alone.

/** Where the tables of MP4 and MOV stand, what they say counts; the film itself does not. */
const FILM = "mdat";
const HAS_TABLES = new Set(["video/mp4", "video/quicktime"]);
const SMALL = 256 * 1024; // a file of this size may go whole each time

/**
 * A PNG of that size without a pixel, as a data URL.
 * @param {number} width
 * @param {number} height
 */
export function emptyPng(width, height) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2, 0, 0, 0], 8);
  const chunks = [...chunk("IHDR", header), ...chunk("IDAT", []), ...chunk("IEND", [])];
  const bytes = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, ...chunks];
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
}

function chunk(kind, content) {
  const body = [...[...kind].map((letter) => letter.charCodeAt(0)), ...content];
  return [...big32(content.length), ...body, ...big32(crc32(body))];
}

const big32 = (number) => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255);

function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

/** Whether counting it takes the whole of a large file. @param {{type: string, size: number}} blob */
export const isHeavy = ({ type, size }) => !HAS_TABLES.has(type) && size > SMALL;

/**
 * A video without its film, where its kind has tables that can be had alone; else the whole of it.
 * @param {Blob} blob
 * @returns {Promise<Blob>}
 */
export async function videoHead(blob) {
  if (!HAS_TABLES.has(blob.type)) return blob;
  const parts = [];
  for await (const box of boxes(blob)) {
    if (box.kind !== FILM) parts.push(blob.slice(box.start, box.end));
  }
  return parts.length ? new Blob(parts, { type: blob.type }) : blob;
}

/** The boxes that a file of the ISO base media format consists of. Ends where one makes no sense. */
async function* boxes(blob) {
  let start = 0;
  while (start + 8 <= blob.size) {
    const view = new DataView(await blob.slice(start, start + 16).arrayBuffer());
    const kind = String.fromCharCode(...new Uint8Array(view.buffer, 4, 4));
    let size = view.getUint32(0);
    if (size === 1 && view.byteLength === 16) size = Number(view.getBigUint64(8));
    if (size === 0) size = blob.size - start;
    if (size < 8) return;
    yield { kind, start, end: Math.min(start + size, blob.size) };
    start += size;
  }
}
