// A proxy over real sockets whose connections misbehave as told: it keeps the logs of streams as ours does, and cuts,
// refuses, repeats or beats where its script says so.

import { createServer } from "node:http";

import { open } from "../../../../proxy/src/switchyard_proxy/ui/api.js";

export const numbered = (events, from = 1) => events
  .map((event, index) => `id: ${from + index}\n${event}\n\n`).join("");

/** The script: a list of functions `(request, response, proxy)`, one for each connection; the last one stays. */
export class MisbehavingProxy {
  requests = [];
  script = [];

  async start() {
    this.server = createServer((request, response) => this.#serve(request, response));
    await new Promise((resolve) => { this.server.listen(this.port ?? 0, "127.0.0.1", resolve); });
    this.port = this.server.address().port;
    return this;
  }

  /** As a killed process does: no connection is ended in good order, and none is taken any more. */
  async die() {
    this.server.closeAllConnections();
    await new Promise((resolve) => { this.server.close(resolve); });
  }

  /** What the page has in place of its own origin. */
  get open() {
    return (method, path, options) => open(method, `http://127.0.0.1:${this.port}${path}`, options);
  }

  async #serve(request, response) {
    let body = "";
    for await (const piece of request) body += piece;
    const { method, url, headers } = request;
    this.requests.push({ method, url, after: headers["last-event-id"], headers, body });
    const act = this.script.length > 1 ? this.script.shift() : this.script[0];
    act(request, response, this);
  }
}

const HEAD = { "content-type": "text/event-stream", "x-stream-id": "stream_1" };
const after = (request) => Number(request.headers["last-event-id"] ?? 0);

/** Everything after the reader's last event, to the end. */
export const whole = (events, headers = {}) => (request, response) => {
  response.writeHead(200, { ...HEAD, ...headers });
  response.end(numbered(events.slice(after(request)), after(request) + 1));
};

/** The same, but the connection breaks after so many bytes of the body. */
export const cutAfter = (bytes, events) => (request, response) => {
  response.writeHead(200, HEAD);
  const text = Buffer.from(numbered(events.slice(after(request)), after(request) + 1));
  response.write(text.subarray(0, bytes), () => setTimeout(() => response.destroy(), 2));
};

/** Repeats events that the reader has. */
export const repeating = (events) => (request, response) => {
  response.writeHead(200, HEAD);
  response.end(numbered(events));
};

/** Ends in good order, but too early: somebody between closed the connection. */
export const endingAfter = (count, events) => (request, response) => {
  response.writeHead(200, HEAD);
  response.end(numbered(events.slice(after(request), after(request) + count), after(request) + 1));
};

export const refusing = (status, error, headers = {}) => (request, response) => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ error }));
};

/** Takes the request and breaks off before any head. */
export const silent = (request, response) => { response.destroy(); };

/** Tells some events and then nothing more, not even a beat; the connection stays. */
export const falling_asleep = (count, events) => (request, response) => {
  response.writeHead(200, HEAD);
  response.write(numbered(events.slice(after(request), after(request) + count), after(request) + 1));
};

/** Beats as ours does, between every two events and before the first. */
export const beating = (events) => (request, response) => {
  response.writeHead(200, HEAD);
  response.write(": keepalive\n: keepalive\n");
  for (const [index, event] of events.entries()) response.write(`${numbered([event], index + 1)}: keepalive\n`);
  response.end();
};
