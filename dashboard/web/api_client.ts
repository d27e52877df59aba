/** Requests to the dashboard's server. */
import type { Clock } from "../../runtime/clock.ts";
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
export const REQUEST_MS_MAX = 30_000;

/** The server said no, or nothing. The text is the server's. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  /** `unreachable`, `unreadable`, or a code of the server's. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface ApiClientOptions {
  readonly clock: Clock;
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
}

/** Every method throws a {@linkcode RequestError} when the server refuses or does not answer. */
export class ApiClient {
  readonly #clock: Clock;
  readonly #fetch: ApiClientOptions["fetch"];

  constructor({ clock, fetch }: ApiClientOptions) {
    this.#clock = clock;
    this.#fetch = fetch;
  }

  getHistory(): Promise<History> {
    return this.#request("/api/v1/history");
  }

  getKey(key: Bytes, signal: AbortSignal): Promise<KeyView> {
    return this.#request(`/api/v1/keys/value?${keyQuery(key)}`, { signal });
  }

  /** @param after The last page's `next`; null for the first page */
  listKeys(prefix: string, after: string | null, signal: AbortSignal): Promise<KeyPage> {
    const params = new URLSearchParams(after === null ? { prefix } : { prefix, after });
    return this.#request(`/api/v1/keys?${params}`, { signal });
  }

  getActionSupport(token: string): Promise<ActionSupport> {
    return this.#request("/api/v1/actions", { headers: bearer(token) });
  }

  previewAction(action: Action, token: string, signal: AbortSignal): Promise<ActionPreview> {
    return this.#request("/api/v1/actions/preview", { ...post(action, token), signal });
  }

  runAction(action: Action, token: string): Promise<ActionResult> {
    return this.#request("/api/v1/actions/run", post(action, token));
  }

  async #request<T>(path: string, init: RequestInit = {}): Promise<T> {
    const deadline = new AbortController();
    const timer = this.#clock.setTimer(() => deadline.abort(), REQUEST_MS_MAX);
    const signal = init.signal ? AbortSignal.any([init.signal, deadline.signal]) : deadline.signal;
    try {
      const response = await this.#fetch(path, { ...init, signal, cache: "no-store" });
      if (!response.ok) throw await failureOf(response);
      return await response.json() as T;
    } catch (error) {
      if (error instanceof RequestError || init.signal?.aborted) throw error;
      const unreadable = error instanceof SyntaxError;
      throw new RequestError(unreadable ? "unreadable" : "unreachable", String(error));
    } finally {
      timer.cancel();
    }
  }
}

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

async function failureOf(response: Response): Promise<RequestError> {
  try {
    const { error } = await response.json() as ApiError;
    return new RequestError(error.code, error.message);
  } catch {
    return new RequestError("unreadable", `HTTP ${response.status}`);
  }
}
