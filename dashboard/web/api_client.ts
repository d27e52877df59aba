/** Requests to the dashboard's server. */
import type {
  Action,
  ActionPreview,
  ActionResult,
  ActionSupport,
  ApiError,
  Bytes,
  History,
  KeyPage,
  KeyView,
} from "../api.ts";
import { keyQuery } from "./byte_text.ts";

/** Longer than the server waits for its clusters, so that its own words arrive. */
const REQUEST_MS_MAX = 30_000;

/** The server said no. The text is the server's. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export const eventsPath = "/api/v1/events";

export const getHistory = () => request<History>("/api/v1/history");

export const getKey = (key: Bytes, signal: AbortSignal) =>
  request<KeyView>(`/api/v1/keys/value?${keyQuery(key)}`, { signal });

export function listKeys(
  prefix: string,
  after: string | null,
  signal: AbortSignal,
): Promise<KeyPage> {
  const params = new URLSearchParams(after === null ? { prefix } : { prefix, after });
  return request<KeyPage>(`/api/v1/keys?${params}`, { signal });
}

export const getActionSupport = (token: string) =>
  request<ActionSupport>("/api/v1/actions", { headers: bearer(token) });

export const previewAction = (action: Action, token: string, signal: AbortSignal) =>
  request<ActionPreview>("/api/v1/actions/preview", { ...post(action, token), signal });

export const runAction = (action: Action, token: string) =>
  request<ActionResult>("/api/v1/actions/run", post(action, token));

function bearer(token: string): Record<string, string> {
  return token === "" ? {} : { "Authorization": `Bearer ${token}` };
}

function post(action: Action, token: string): RequestInit {
  return {
    method: "POST",
    headers: { "Content-Type": "application/json", ...bearer(token) },
    body: JSON.stringify(action),
  };
}

/** @throws {RequestError} When the server answers with a failure, or not at all */
async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const timeout = AbortSignal.timeout(REQUEST_MS_MAX);
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  let response: Response;
  try {
    response = await fetch(path, { ...init, signal, cache: "no-store" });
    if (response.ok) return await response.json() as T;
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new RequestError("unreachable", "");
  }
  throw await failureOf(response);
}

async function failureOf(response: Response): Promise<RequestError> {
  try {
    const { error } = await response.json() as ApiError;
    return new RequestError(error.code, error.message);
  } catch {
    return new RequestError("unreadable", `HTTP ${response.status}`);
  }
}
