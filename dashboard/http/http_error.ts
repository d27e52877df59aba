/** Failures of requests, and the JSON that tells of them. */
import { type ErrorCode, KvError } from "../../rpc/errors.ts";
import type { ApiError } from "../api.ts";

/** A request that cannot be answered as it is. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  /** Passes an HttpError through, gives a KvError its status, and leaves the rest to be thrown. */
  static from(error: unknown): HttpError | undefined {
    if (error instanceof HttpError) return error;
    if (error instanceof KvError) {
      return new HttpError(STATUSES[error.code] ?? 503, error.code, error.message);
    }
    // Keys and values beyond the limits of the store.
    if (error instanceof RangeError) {
      return new HttpError(400, "INVALID_ARGUMENT", error.message);
    }
    return undefined;
  }
}

/** All others: the cluster cannot answer at the moment. */
const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  REFUSED: 409,
  DEADLINE_EXCEEDED: 504,
  INTERNAL: 500,
};

export function json(value: unknown, status = 200): Response {
  return jsonText(JSON.stringify(value), status);
}

/** For text that was made before. */
export function jsonText(text: string, status = 200): Response {
  return new Response(text, {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" },
  });
}

export function errorResponse({ status, code, message, headers }: HttpError): Response {
  const body: ApiError = { error: { code, message } };
  const response = json(body, status);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
