// Server-sent events: text in, events out, as the WHATWG's standard has it. Pure but for `eventsOf`, which
// reads a body; knows nothing of what the events mean, and never connects again.

const LINE_END = /[\r\n]/g;

/** Fed in pieces cut anywhere. An event whose blank line never came is no event. */
export class EventParser {
  #held = []; // pieces of a line that has not ended: joined once, as a picture may be one line of megabytes
  #lineFeedIsOld = false; // a CR ended the last piece: an LF that follows belongs to it
  #isFirst = true;
  #id = "";
  #name = "";
  #data = [];

  /**
   * @param {string} text
   * @returns {{id: string, event: string, data: string}[]} `id` is the event's own, or ""
   */
  push(text) {
    const events = [];
    let from = this.#start(text);
    LINE_END.lastIndex = from;
    for (let end = LINE_END.exec(text); end; end = LINE_END.exec(text)) {
      this.#line(this.#joined(text.slice(from, end.index)), events);
      from = end.index + 1;
      if (end[0] === "\r" && text[from] === "\n") from += 1;
      else if (end[0] === "\r" && from === text.length) this.#lineFeedIsOld = true;
      LINE_END.lastIndex = from;
    }
    if (from < text.length) this.#held.push(text.slice(from));
    return events;
  }

  #start(text) {
    if (text === "") return 0;
    const mark = this.#isFirst ? "\uFEFF" : "\n";
    const skips = text[0] === mark && (this.#isFirst || this.#lineFeedIsOld);
    this.#isFirst = false;
    this.#lineFeedIsOld = false;
    return skips ? 1 : 0;
  }

  #joined(rest) {
    if (this.#held.length === 0) return rest;
    const line = this.#held.join("") + rest;
    this.#held = [];
    return line;
  }

  #line(line, events) {
    if (line === "") {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#name = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }

  #dispatch(events) {
    if (this.#data.length) {
      events.push({ id: this.#id, event: this.#name || "message", data: this.#data.join("\n") });
    }
    this.#id = "";
    this.#name = "";
    this.#data = [];
  }
}

/**
 * The events of a body until it ends. Throws where the connection breaks; leaving the loop gives the body up.
 * @param {Response} response
 * @param {{onSign?: () => void}} [options] `onSign`: something came, be it only a sign of life
 */
export async function* eventsOf(response, { onSign } = {}) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      onSign?.();
      yield* parser.push(decoder.decode(piece.value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
