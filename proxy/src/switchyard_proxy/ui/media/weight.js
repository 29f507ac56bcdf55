// How heavy a request is before it is made: files grow by a third in base64. Pure.

const MIB = 1024 * 1024;
/** What the rest of a request may take: its fields, and the words of a long conversation. */
const ENVELOPE = 4096;

/**
 * Bytes of a file as a data URL.
 * @param {number} size
 */
export const weightOf = (size) => Math.ceil(size / 3) * 4 + 40;

/**
 * @param {{size: number}[]} files
 * @param {number} textBytes
 * @param {number | undefined} limitMib of one request, where it is known
 * @returns {{bytes: number, limit: number | null, over: number}} `over`: bytes beyond the limit, 0 when it
 *   fits
 */
export function weigh(files, textBytes, limitMib) {
  const bytes = files.reduce((sum, { size }) => sum + weightOf(size), ENVELOPE + textBytes);
  const limit = limitMib ? limitMib * MIB : null;
  return { bytes, limit, over: limit === null ? 0 : Math.max(0, bytes - limit) };
}
