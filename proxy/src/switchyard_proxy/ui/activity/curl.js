// A request as a line for a terminal. An account holds no body: a captured one is used, or an example. Pure.

const EXAMPLES = {
  "/v1/chat/completions": { messages: [{ role: "user", content: "…" }] },
  "/v1/completions": { prompt: "…" },
  "/v1/responses": { input: "…" },
  "/v1/messages": { max_tokens: 1024, messages: [{ role: "user", content: "…" }] },
  "/v1/embeddings": { input: "…" },
  "/v1/images/generations": { prompt: "…" },
  "/v1/rerank": { query: "…", documents: ["…"] },
  "/tokenize": { prompt: "…" },
};

/** One word for a POSIX shell, whatever is in it. */
export const quoted = (text) => (/^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/**
 * @param {{route: string, asked: string, streams: boolean, key: string}} row
 * @param {{origin: string, captured?: ?{method: string, target: string,
 *   request: {text: string, cut: boolean}}}} how
 * @returns {string}
 */
export function curlOf(row, { origin, captured = null }) {
  const whole = captured && !captured.request.cut ? captured : null;
  const body = whole ? whole.request.text : exampleBody(row);
  const method = whole?.method ?? (body ? "POST" : "GET");
  return [
    `curl ${row.streams ? "-sN" : "-s"} ${quoted(origin + (whole?.target ?? row.route))}`,
    ...(method === "GET" || (method === "POST" && body) ? [] : [`-X ${quoted(method)}`]),
    ...(row.key && row.key !== "anyone" ? ['-H "Authorization: Bearer $SWITCHYARD_API_KEY"'] : []),
    ...(body ? ["-H 'Content-Type: application/json'", `-d ${quoted(body)}`] : []),
  ].join(" \\\n  ");
}

function exampleBody(row) {
  if (!row.asked) return "";
  const rest = EXAMPLES[row.route] ?? {};
  return JSON.stringify({ model: row.asked, ...rest, ...(row.streams ? { stream: true } : {}) });
}
