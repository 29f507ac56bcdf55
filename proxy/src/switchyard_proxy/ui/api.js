// Every call to the proxy. Shows nothing: an answer that is an error is thrown as an ApiError.

import { has, lang, t } from "./i18n/index.js";
import { settings } from "./store/settings.js";

/** What the proxy (or an engine behind it) said instead of an answer; `status` is 0 where nobody answered. */
export class ApiError extends Error {
  constructor({
    status, code, message, param = null, retryAfter = null, retryable = true, requestId = null,
    streamId = null,
  }) {
    super(message);
    this.name = "ApiError";
    Object.assign(this, { status, code, param, retryAfter, retryable, requestId, streamId });
  }
}

/**
 * @param {Response} response
 * @returns {Promise<ApiError>} from the OpenAI envelope, or from the status alone where there is none
 */
export async function errorOf(response) {
  const told = await response.json().then((body) => body?.error ?? body?.detail ?? {}, () => ({}));
  const said = typeof told === "string" ? { message: told } : told;
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  return new ApiError({
    status: response.status,
    code: said.code ?? said.type ?? "unknown",
    message: said.message ?? `${response.status} ${response.statusText}`.trim(),
    param: said.param ?? null,
    retryAfter: Number.isFinite(seconds) ? seconds : null,
    retryable: response.headers.get("x-should-retry") !== "false",
    requestId: response.headers.get("x-request-id"),
    streamId: response.headers.get("x-stream-id"),
  });
}

/**
 * The answer itself, its body unread.
 * @param {string} method
 * @param {string} path below the page's own origin: `/v1/…`, `/api/…`
 * @param {{json?: unknown, body?: BodyInit, headers?: Record<string, string>, signal?: AbortSignal}}
 *   [options]
 * @returns {Promise<Response>}
 */
export async function open(method, path, { json, body, headers = {}, signal } = {}) {
  const response = await fetch(path, {
    method,
    body: json === undefined ? body : JSON.stringify(json),
    headers: { ...asked(json), ...headers },
    signal,
    cache: "no-store",
    credentials: "omit",
  }).catch((error) => { throw away(error); });
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** The answer's JSON; null where it has no body. Options as for `open`. */
export async function request(method, path, options) {
  const text = await (await open(method, path, options)).text();
  return text ? JSON.parse(text) : null;
}

function asked(json) {
  const { key } = settings.value;
  return {
    ...(json === undefined ? {} : { "Content-Type": "application/json" }),
    ...(key ? { Authorization: `Bearer ${key}` } : {}),
  };
}

// A request that was given up stays an AbortError: whoever gave it up tells the two apart.
const away = (error) => (error.name === "AbortError" ? error
  : new ApiError({ status: 0, code: "proxy_unreachable", message: error.message }));

/**
 * The sentence to show for an error. What a server says has its numbers, but is English: elsewhere it stands
 * behind what its code means in the reader's language.
 * @param {Error & {code?: string, status?: number}} error
 */
export function explain({ code, status, message }) {
  const ours = code && has(`errors.${code}`) ? t(`errors.${code}`) : "";
  if (!ours || (lang.value === "en" && status && message)) return message;
  return status && message ? `${ours} (${message})` : ours;
}
