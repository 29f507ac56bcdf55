// What is sent for an answer: the branch, the prompt and the settings as the body of one request. Pure; media
// are filled in by whoever sends it.

/** The settings that a body takes, with the form that each has. */
export const SAMPLING = [
  { name: "temperature", min: 0, max: 2, step: 0.1 },
  { name: "top_p", min: 0, max: 1, step: 0.05 },
  { name: "top_k", min: -1, max: 1000, step: 1 },
  { name: "min_p", min: 0, max: 1, step: 0.01 },
  { name: "presence_penalty", min: -2, max: 2, step: 0.1 },
  { name: "repetition_penalty", min: 0.1, max: 2, step: 0.05 },
  { name: "max_tokens", min: 1, max: 1_000_000, step: 1 },
  { name: "seed", min: 0, max: 2 ** 31 - 1, step: 1 },
];

/**
 * The settings that hold: a conversation's own before the page's. What is null or empty is the engine's to
 * choose.
 * @param {object} own
 * @param {object} usual
 */
export function sampling(own = {}, usual = {}) {
  const found = {};
  for (const { name } of SAMPLING) {
    const value = own[name] ?? usual[name];
    if (Number.isFinite(value)) found[name] = value;
  }
  return found;
}

/** Messages that an engine is told: no empty answers, and none that only says why there is none. */
export const told = (messages) =>
  messages.filter((one) => one.role !== "assistant" || one.text || one.tools?.length);

/**
 * One message of the store as it is sent; `content` as `outgoing` made it, where it holds more than text.
 * @param {object} record
 * @param {string | object[]} [content]
 */
export function wireMessage(record, content = record.text) {
  if (record.role !== "assistant" || !record.tools?.length)
    return { role: record.role, content: plain(content) };
  return {
    role: "assistant",
    content: record.text || null,
    tool_calls: record.tools.map(({ id, name, given }) => ({
      id,
      type: "function",
      function: { name, arguments: given },
    })),
  };
}

/** A content of one text only is sent as that text: not every engine takes parts. */
function plain(content) {
  if (typeof content === "string") return content;
  if (!content.every((part) => part.type === "text")) return content;
  return content.map((part) => part.text).join("\n\n");
}

/**
 * @param {{model: string, system?: string, messages: object[], sampling?: object, extra?: object}} wanted
 *   `messages` as `wireMessage` makes them
 */
export function body({ model, system, messages, sampling: chosen = {}, extra = {} }) {
  const first = system?.trim() ? [{ role: "system", content: system }] : [];
  return {
    model,
    messages: [...first, ...messages],
    stream: true,
    stream_options: { include_usage: true },
    ...chosen,
    ...extra,
  };
}

/**
 * The body that asks for the rest of an answer whose beginning is there. The beginning is sent without the
 * blanks at its end, since engines cut them off before they go on.
 * @param {object} asked the body that began it
 * @param {string} text
 */
export function rest(asked, text) {
  return {
    ...asked,
    messages: [...asked.messages, { role: "assistant", content: text.trimEnd() }],
    continue_final_message: true,
    add_generation_prompt: false,
  };
}
