// Which answers are under way, as this browser remembers them beyond the page: a short list of message ids.
// What they say is in the store; this is only where to look after a reload.

const PLACE = "switchyard.answering";

export function pending() {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(kept) ? kept.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}

export const enter = (id) => write([...pending().filter((one) => one !== id), id]);
export const strike = (id) => write(pending().filter((one) => one !== id));

function write(ids) {
  try {
    if (ids.length) localStorage.setItem(PLACE, JSON.stringify(ids));
    else localStorage.removeItem(PLACE);
  } catch {
    // Without it an answer is found again when its conversation is opened.
  }
}
