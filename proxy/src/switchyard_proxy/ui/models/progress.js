// How far something is, from what the manager says. It never guesses: no figure said, none shown.

/** The last share that a text names, from 0 to 100; null if it names none. @param {string|null} text */
export function shareIn(text) {
  const shares = [...(text ?? "").matchAll(/(\d+(?:\.\d+)?) ?%/g)].map((found) => Number(found[1]));
  const last = shares.at(-1);
  return last === undefined || last > 100 ? null : last;
}

/** What is left of a time that was said a while ago; null: not known, or over. */
export function secondsLeft(model, now) {
  if (model.expected_s === null || model.expected_s === undefined) return null;
  const left = model.expected_s - (now - model.at);
  return left >= 1 ? left : null;
}

/** How far a download is, from 0 to 100; null while that is not known. */
export function shareOfFiles(files) {
  if (!files?.total_bytes || files.done_bytes === null || files.done_bytes === undefined) return null;
  return Math.min(100, (100 * files.done_bytes) / files.total_bytes);
}
