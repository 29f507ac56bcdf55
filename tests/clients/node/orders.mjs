// What the client programs share: orders come as lines of JSON, and what was seen goes out as one.

import { createInterface } from "node:readline";
import { Agent, fetch as undiciFetch } from "undici";

export async function obey(known) {
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    const told = { at: [], attempts: 0, error: null };
    const began = performance.now();
    try {
      await known[order.do](order, told);
    } catch (error) {
      told.error = toldOf(error);
    }
    told.took_s = (performance.now() - began) / 1000;
    process.stdout.write(JSON.stringify(told) + "\n");
  }
}

export function toldOf(error) {
  const cause = error?.cause?.cause ?? error?.cause;
  return {
    kind: error?.constructor?.name ?? typeof error,
    name: error?.name,
    message: String(error?.message ?? error),
    status: error?.status ?? error?.statusCode,
    code: error?.code ?? error?.data?.error?.code,
    param: error?.param,
    headers: error?.headers instanceof Headers ? Object.fromEntries(error.headers) : undefined,
    body: error?.error ?? error?.data ?? error?.responseBody,
    request_id: error?.requestID ?? error?.responseHeaders?.["x-request-id"],
    cause: cause && String(cause.code ?? cause.message ?? cause),
  };
}

// Counts attempts. With `silence_s`, silence is cut short as Node's own fetch does after 300 s.
export function counting(order, told) {
  const ms = order.silence_s && order.silence_s * 1000;
  const dispatcher = ms && new Agent({ headersTimeout: ms, bodyTimeout: ms });
  return (url, init) => {
    told.attempts += 1;
    return dispatcher ? undiciFetch(url, { ...init, dispatcher }) : fetch(url, init);
  };
}
