/** The API over fetch: JSON in and out, every failure an `ApiProblem` with a sentence that can be shown. */

const WAITS_MS = [800, 1600, 3200, 6000, 6000, 6000];

/** A failure in words. `status` 0 means that no answer came. */
export class ApiProblem extends Error {
  constructor({ status, code, detail, details, retryable }) {
    super(detail);
    this.name = "ApiProblem";
    this.status = status;
    this.code = code;
    this.details = details ?? {};
    this.retryable = Boolean(retryable);
  }

  /** Whether this deployment simply does not have what was asked for. */
  get isMissing() {
    return (this.status === 404 || this.status === 405) && ["not_found", "method_not_allowed"].includes(this.code);
  }
}

/**
 * One request.
 * @param {string} method
 * @param {string} path
 * @param {{body?: any, query?: Object, key?: string, signal?: AbortSignal}} [options]
 * @returns {Promise<any>} the JSON; null only where the server says that there is none
 */
export async function request(method, path, { body, query, key, signal } = {}) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key) headers["idempotency-key"] = key;
  let response;
  try {
    response = await fetch(withQuery(path, query), {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body), redirect: "manual",
    });
  } catch (error) {
    throw unanswered(error);
  }
  return answerOf(response);
}

/** GET. */
export function get(path, options) {
  return request("GET", path, options);
}

/** GET of something that this deployment may not have yet: null then. */
export async function getIfThere(path, options) {
  return ifThere(get(path, options));
}

/** What `promise` gives; null where this deployment does not have what was asked for. */
export async function ifThere(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiProblem && error.isMissing) return null;
    throw error;
  }
}

/**
 * POST that is safe to repeat, because it carries a key or is always the same: where no answer comes, the same request
 * is sent again.
 * @param {string} path
 * @param {any} [body]
 * @param {string} [key]
 * @param {{signal?: AbortSignal, onRetry?: (attempt: number) => void}} [options]
 */
export async function postOnce(path, body, key, { signal, onRetry } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await request("POST", path, { body, key, signal });
    } catch (error) {
      const mayBeThere = error instanceof ApiProblem && [0, 502, 503, 504].includes(error.status);
      if (!mayBeThere || attempt >= WAITS_MS.length) throw error;
      onRetry?.(attempt + 1);
      await new Promise((resolve) => setTimeout(resolve, WAITS_MS[attempt]));
      signal?.throwIfAborted();
    }
  }
}

/** A key that no other request has. */
export function newKey() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function withQuery(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const pairs = given.flatMap(([name, value]) => [value].flat().map((each) => [name, each]));
  return pairs.length ? `${path}?${new URLSearchParams(pairs)}` : path;
}

/**
 * What a response says. One that breaks off is no answer, whatever it began with: nobody knows then what was done.
 * @param {Response} response
 */
export async function answerOf(response) {
  if (response.type === "opaqueredirect" || response.status === 401) {
    throw new ApiProblem({ status: 401, code: "signed_out", detail: "You are signed out: reload the page to sign in." });
  }
  const json = parsed(await response.text().catch((error) => Promise.reject(unanswered(error))));
  if (response.status === 204) return null;
  if (response.ok && json === undefined) throw unanswered();
  if (response.ok) return json;
  throw new ApiProblem({
    status: response.status,
    code: json?.code ?? `http_${response.status}`,
    detail: json?.detail ?? `The server answered ${response.status} without saying why: try again in a minute.`,
    details: json?.details,
    retryable: json?.retryable ?? response.status >= 500,
  });
}

/** The JSON; undefined where it is none, or not all of it. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is thrown where no answer came; where nobody waits for it any more, that. */
function unanswered(error) {
  if (error?.name === "AbortError") return error;
  return new ApiProblem({
    status: 0, code: "offline", retryable: true,
    detail: "The server does not answer: check the connection, then try again.",
  });
}
