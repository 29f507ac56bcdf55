// Everything that this browser keeps, as one file: a line, a JSON of the records, the bytes of their blobs.
// Blobs are pointed at, here and in the file, so none is held twice in memory. A file is believed in nothing.

const MARK = "switchyard-backup";
const FORMAT = 1;
const PLAIN = "application/octet-stream";
const SHOWN = /^(image\/(png|jpeg|webp|gif|avif|bmp)|(video|audio)\/[\w.+-]+|text\/plain)$/;
const LONGEST_LINE = 64;
const LARGEST_HEAD = 512 * 1024 * 1024;

/** Why a file cannot be read in; `code` is one of "not_ours", "newer", "broken". */
export class BadBackup extends Error {
  constructor(code) {
    super(`cannot read the file in: ${code}`);
    this.code = code;
  }
}

/**
 * @param {Record<string, object[]>} shelves records by the name of their store
 * @param {{settings: object, at: number}} facts `at` in seconds since 1970
 * @returns {Blob}
 */
export function pack(shelves, { settings, at }) {
  const blobs = [];
  const head = { at, settings: withoutKey(settings), shelves: packed(shelves, blobs) };
  head.blobs = blobs.map(({ size, type }) => ({ size, type }));
  const text = new TextEncoder().encode(JSON.stringify(head));
  return new Blob([`${MARK} ${FORMAT} ${text.byteLength}\n`, text, ...blobs], { type: PLAIN });
}

const withoutKey = ({ key, ...rest }) => rest;

function packed(value, blobs) {
  if (value instanceof Blob) return { $blob: blobs.push(value) - 1 };
  const isBytes = value instanceof ArrayBuffer || ArrayBuffer.isView(value);
  if (isBytes) return { $bytes: blobs.push(new Blob([value])) - 1 };
  if (Array.isArray(value)) return value.map((one) => packed(one, blobs));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, packed(inner, blobs)]));
}

/**
 * @param {Blob} file
 * @param {string[]} known the stores that there are here; others are left out
 * @returns {Promise<{at: number, settings: object, shelves: Record<string, object[]>}>} throws BadBackup
 */
export async function unpack(file, known) {
  const start = await headLine(file);
  const head = await headOf(file.slice(start.end, start.end + start.length));
  const blobs = cutOut(file, start.end + start.length, head.blobs);
  const shelves = {};
  for (const name of known) {
    const records = head.shelves[name] ?? [];
    if (!Array.isArray(records)) throw new BadBackup("broken");
    shelves[name] = await Promise.all(records.filter(isRecord).map((record) => unpacked(record, blobs)));
  }
  const settings = isObject(head.settings) ? withoutKey(head.settings) : {};
  return { at: Number(head.at) || 0, settings, shelves };
}

async function headLine(file) {
  const text = await file.slice(0, LONGEST_LINE).text();
  const [line, mark, format, length] = /^(\S+) (\d+) (\d+)\n/.exec(text) ?? [];
  if (mark !== MARK) throw new BadBackup("not_ours");
  if (Number(format) > FORMAT) throw new BadBackup("newer");
  if (Number(length) > LARGEST_HEAD) throw new BadBackup("broken");
  return { end: line.length, length: Number(length) };
}

async function headOf(part) {
  const head = await part.text().then(JSON.parse).catch(() => null);
  if (!isObject(head) || !isObject(head.shelves) || !Array.isArray(head.blobs)) throw new BadBackup("broken");
  return head;
}

function cutOut(file, from, told) {
  let at = from;
  return told.map((one) => {
    const size = Number(one?.size);
    if (!Number.isSafeInteger(size) || size < 0 || at + size > file.size) throw new BadBackup("broken");
    at += size;
    return file.slice(at - size, at, safeType(one.type));
  });
}

// A stored blob may be shown by its address: a page among them would be one of ours.
const safeType = (type) => (SHOWN.test(type) ? type : PLAIN);

async function unpacked(value, blobs) {
  if (Array.isArray(value)) return Promise.all(value.map((one) => unpacked(one, blobs)));
  if (!isObject(value)) return value;
  if ("$blob" in value) return blobs[value.$blob] ?? null;
  if ("$bytes" in value) return blobs[value.$bytes]?.arrayBuffer() ?? null;
  const inner = Object.entries(value).map(async ([name, one]) => [name, await unpacked(one, blobs)]);
  return Object.fromEntries(await Promise.all(inner));
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isRecord = (value) => isObject(value) && ["string", "number"].includes(typeof value.id);

/** How many there are of each, without the empty ones. */
export const counts = (shelves) => Object.fromEntries(
  Object.entries(shelves).map(([name, records]) => [name, records.length]).filter(([, n]) => n > 0),
);
