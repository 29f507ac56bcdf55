// What a resumable stream does next, from what it is and how the last connection went. Pure: no clock, no
// network.

export const PACE = { first_ms: 500, longest_ms: 8_000, wait_longest_ms: 60_000 };
const NOT_NOW = [429, 503];
const GATEWAY = [502, 504]; // somebody between the page and the proxy
const GONE = [404, 410];
const ENDINGS = { stream_broken: "interrupted", request_cancelled: "stopped" };

/**
 * @typedef {{how: "ended" | "cut"} | {how: "refused", error: import("./api.js").ApiError}} Outcome of a
 *   connection
 * @typedef {object} Seen
 * @property {"ask" | "resume"} tried
 * @property {boolean} canResume the proxy named the stream
 * @property {boolean} mayAsk the request is here, and can be sent again
 * @property {boolean} isOver the stream's own end was among the events
 * @property {boolean} isNews this connection brought an event
 * @property {{code: string, message: string} | null} trouble the error among the events
 * @property {number} failures connections in a row that brought nothing
 * @property {number} chance from 0 to 1
 * @typedef {{end: string, error?: object} | {next: "ask" | "resume", wait_ms: number, because?: object}} Move
 */

/**
 * @param {Outcome} outcome
 * @param {Seen} seen
 * @returns {Move}
 */
export function moveAfter(outcome, seen, pace = PACE) {
  if (outcome.how === "refused") return afterRefusal(outcome.error, seen, pace);
  if (seen.trouble) return { end: ENDINGS[seen.trouble.code] ?? "failed", error: seen.trouble };
  if (seen.isOver) return { end: "done" };
  if (!seen.canResume) return outcome.how === "ended" ? { end: "done" } : { end: "failed", error: LOST };
  if (outcome.how === "cut") return again("resume", seen, pace);
  // A body may end because somebody between cut it: it was the end if reading again brings nothing more.
  return seen.tried === "resume" && !seen.isNews ? { end: "done" } : { next: "resume", wait_ms: 0 };
}

const LOST = {
  code: "connection_lost", message: "the connection broke, and this stream cannot be read again", status: 0,
};

function afterRefusal(error, seen, pace) {
  // It was answered, long ago.
  if (error.streamId && seen.tried === "resume") return { end: "failed", error };
  if (seen.tried === "ask") return afterRefusedAsk(error, seen, pace);
  if (error.status === 0 || GATEWAY.includes(error.status)) return again("resume", seen, pace, error);
  if (isWait(error)) return wait("resume", error, seen, pace);
  if (!GONE.includes(error.status)) return { end: "failed", error };
  if (!seen.canResume && seen.mayAsk) return again("ask", seen, pace); // the request never reached the proxy
  return { end: "failed", error: { code: "gone", message: error.message, status: error.status } };
}

// Nobody answered: the request may have come through all the same, so it is looked for before it is sent
// again.
function afterRefusedAsk(error, seen, pace) {
  if (error.status === 0) return again("resume", seen, pace, error);
  return isWait(error) ? wait("ask", error, seen, pace) : { end: "failed", error };
}

const isWait = (error) => (
  NOT_NOW.includes(error.status) && error.retryAfter != null && error.retryable !== false
);

function wait(next, error, seen, pace) {
  const asked_ms = Math.min(error.retryAfter * 1000, pace.wait_longest_ms);
  return { next, wait_ms: Math.max(asked_ms, backOff(seen, pace)), because: error };
}

const again = (next, seen, pace, because) => ({ next, wait_ms: backOff(seen, pace), because });

const backOff = ({ failures, chance }, pace) => (
  Math.min(pace.longest_ms, pace.first_ms * 2 ** Math.min(failures, 20)) * (0.5 + chance / 2)
);

/**
 * The error that an event tells, or null.
 * @param {{event: string, data: string}} event
 */
export function troubleIn({ event, data }) {
  if (event !== "error" && !data.startsWith('{"error"')) return null;
  try {
    const { error } = JSON.parse(data);
    if (error == null) return null;
    const { code, type, message } = typeof error === "string" ? { message: error } : error;
    return { code: String(code ?? type ?? "unknown"), message: String(message ?? data), status: 200 };
  } catch {
    return { code: "unknown", message: data, status: 200 };
  }
}

export const isLast = ({ data }) => data === "[DONE]";
