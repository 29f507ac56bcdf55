// One answer as it grows: takes the events of a chat stream and holds what they said. Pure: no clock, no
// page, no store.

const QUIET = { text: "", thought: "" };

export class Reply {
  /** @param {object} [kept] a message of the store, to read on from where it ends */
  constructor(kept = {}) {
    this.text = kept.text ?? "";
    this.thought = kept.thought ?? "";
    this.tools = (kept.tools ?? []).map((tool) => ({ ...tool }));
    this.usage = kept.usage ?? null;
    this.finish = null;
    this.error = null;
    this.pieces = kept.pieces ?? 0; // about one for each token, until the engine says how many there were
    this.goesOn = kept.goesOn ?? false; // the engine was asked for the rest of a text that had begun
    this.before = kept.before ?? 0; // tokens of the requests before that
    this.isGuess = kept.isGuess ?? false; // nobody has said how many those were
  }

  /** The rest of a text whose beginning is there, less the blanks at its end: see `request.rest`. */
  static after({ text, thought, tools, usage, pieces, isGuess }) {
    const before = usage?.made ?? pieces;
    return new Reply({
      text: text.trimEnd(),
      thought,
      tools,
      pieces: before,
      before,
      goesOn: true,
      isGuess: isGuess || !usage,
    });
  }

  get isEmpty() {
    return !this.text && !this.thought && !this.tools.length;
  }

  /**
   * @param {string} data of one event
   * @returns {{text: string, thought: string}} what it added
   */
  take(data) {
    const chunk = data === "[DONE]" ? null : parsed(data);
    if (!chunk) return QUIET;
    if (chunk.error) this.error ??= faultOf(chunk.error);
    if (chunk.usage) this.usage = this.#counted(chunk.usage);
    const choice = chunk.choices?.[0];
    if (!choice) return QUIET;
    if (choice.finish_reason) this.finish = choice.finish_reason;
    return this.#grow(choice.delta ?? {});
  }

  #grow(delta) {
    const said = string(delta.content);
    const thought = string(delta.reasoning_content) || string(delta.reasoning);
    // What goes on from the middle of a text is text: some engines take all that they make for thought until
    // it ends.
    const added = this.goesOn ? { text: said + thought, thought: "" } : { text: said, thought };
    this.text += added.text;
    this.thought += added.thought;
    for (const call of listed(delta.tool_calls)) this.#call(call);
    if (added.text || added.thought || delta.tool_calls) this.pieces += 1;
    return added;
  }

  #call({ index, id, function: made = {} }) {
    const at = Number.isInteger(index) && index >= 0 && index < 128 ? index : this.tools.length;
    const tool = (this.tools[at] ??= { id: "", name: "", given: "" });
    tool.id ||= string(id);
    tool.name += string(made.name);
    tool.given += string(made.arguments);
  }

  #counted(usage) {
    const made = number(usage.completion_tokens);
    return {
      read: number(usage.prompt_tokens),
      made: made === null ? null : made + this.before,
      cached: number(usage.prompt_tokens_details?.cached_tokens),
      isGuess: this.isGuess,
    };
  }

  /** The members of a message that this answer fills. */
  get kept() {
    const { text, thought, usage, finish, pieces, goesOn, before, isGuess } = this;
    return {
      text,
      thought,
      usage,
      finish,
      pieces,
      goesOn,
      before,
      isGuess,
      tools: this.tools.filter(Boolean),
    };
  }
}

const string = (value) => (typeof value === "string" ? value : "");
const number = (value) => (Number.isFinite(value) ? value : null);
const listed = (value) => (Array.isArray(value) ? value : []);

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null; // a sign of life, or something that nobody here understands
  }
}

/** @returns {{code: string, message: string}} */
export function faultOf(error) {
  const { code, message, param } = typeof error === "string" ? { message: error } : error;
  return {
    code: string(code) || "engine_error",
    message: string(message) || String(code ?? ""),
    param: string(param),
  };
}
