// One polite line for those who listen: short facts ("answering", "done"), never the text that streams.

const PAUSE_MS = 50;

/** @param {string} text already in the reader's language */
export function announce(text) {
  const line = document.getElementById("announcer");
  if (!line) return;
  // The same words twice are heard twice only if the line was empty in between.
  line.textContent = "";
  setTimeout(() => { line.textContent = text; }, PAUSE_MS);
}
