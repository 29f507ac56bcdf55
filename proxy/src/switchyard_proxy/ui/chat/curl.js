// The same request as a line for a shell. Pure. The key is named, never shown.

const LONG = 2_000;

/** A text within single quotes, as every POSIX shell reads it. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Data addresses would fill the screen: their beginning says what belongs there. */
const shortened = (key, value) =>
  typeof value === "string" && value.startsWith("data:") && value.length > LONG
    ? `${value.slice(0, value.indexOf(",") + 1)}…`
    : value;

/**
 * @param {string} origin of the proxy
 * @param {object} body
 * @param {boolean} asksForKey
 */
export function curl(origin, body, asksForKey) {
  const lines = [
    `curl -N ${quoted(`${origin}/v1/chat/completions`)}`,
    "-H 'Content-Type: application/json'",
    ...(asksForKey ? ['-H "Authorization: Bearer $SWITCHYARD_KEY"'] : []),
    `-d ${quoted(JSON.stringify(body, shortened, 2))}`,
  ];
  return lines.join(" \\\n  ");
}
